/** minisign and signify; openssl, ssh-keygen, Sigstore and the platforms' own are in the unit project. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missing, samplesOf, shell, toolSuite } from '../support/interop/tool-suite.ts';

toolSuite(
  'signify',
  { data: 'pae.bin', signature: 'pae.bin.sig', key: 'rule.pub' },
  missing('signify-openbsd'),
);

const noMinisign = missing('minisign');
toolSuite(
  'minisign',
  { data: 'rule.sigstore.json', signature: 'rule.sigstore.json.minisig', key: 'minisign.pub' },
  noMinisign,
);

test.skipIf(noMinisign !== null)('minisign refuses another trusted comment, and prints ours', async () => {
  const { honest } = await samplesOf('minisign');
  const directory = await mkdtemp(join(tmpdir(), 'assay-interop-'));
  try {
    for (const [name, content] of Object.entries(honest.files))
      await writeFile(join(directory, name), content);
    const [command = ''] = honest.commands;
    const good = shell(command, directory);
    expect(good).toMatchObject({ accepted: true });
    expect(good.output).toContain('verified rule bundle sha256:');
    const name = 'rule.sigstore.json.minisig';
    const edited = String(honest.files[name]).replace('verified rule bundle', 'some other bundle');
    await writeFile(join(directory, name), edited);
    expect(shell(command, directory).accepted).toBe(false);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
