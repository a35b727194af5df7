/** A local stack's keys over time: kept, taken over from before there were roots, and never stale at a start. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueRevocations } from '../../../cli/keys/issue.ts';
import { openKeyDirectory } from '../../../cli/keys/key-directory.ts';
import { revoke, rotateKey } from '../../../cli/keys/operations.ts';
import { openLocalTrust } from '../../../dev/local-trust.ts';
import { privateKeyPem } from '../../../src/signing/ed25519.ts';
import { DAY_MS } from '../../../src/signing/revocations.ts';
import { openTrust } from '../../../src/signing/trust.ts';
import { keyOf } from '../../support/signed.ts';
import { listed } from '../../support/trust.ts';

const START = '2026-01-01T00:00:00.000Z';
const after = (days: number) => new Date(Date.parse(START) + days * DAY_MS).toISOString();
const EARLIER_KEY = privateKeyPem(new Uint8Array(32).fill(7));

let scratch: string;
let log: { origin: string; publicKey: string };
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-local-trust-'));
  log = { origin: 'localhost/a', publicKey: listed(await keyOf(9)).publicKey };
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const state = () => mkdtemp(join(scratch, 'state-'));
async function trusted(directory: string, now: string) {
  const file = (name: string) => readFile(join(directory, 'trust', name));
  const opened = await openTrust(await file('trust-root.json'), await file('revocations.json'), now);
  if (!opened.ok) throw new Error(opened.message);
  return opened;
}

test('a signing key from before there were roots is taken over, for all it ever signed', async () => {
  const directory = await state();
  await writeFile(join(directory, 'signing-key.pem'), EARLIER_KEY, { mode: 0o600 });
  expect((await openLocalTrust(directory, log, START)).signingKeyPem).toBe(EARLIER_KEY);
  const { signers } = await trusted(directory, START);
  expect(signers.byKeyId.get((await keyOf(7)).publicKey.keyId)).toMatchObject({ notAfter: null });
  expect([...signers.byKeyId.values()][0]?.notBefore).toMatch(/^1970/);
  expect(existsSync(join(directory, 'signing-key.pem'))).toBe(false);
});

test('the next start has the same key, anchor and documents', async () => {
  const directory = await state();
  const first = await openLocalTrust(directory, log, START);
  expect(await openLocalTrust(directory, log, after(1))).toEqual(first);
});

test('documents are issued again before they run out, under the same anchor', async () => {
  const directory = await state();
  const first = await openLocalTrust(directory, log, START);
  for (const [days, root, list] of [
    [20, 1, 2],
    [400, 2, 3],
  ] as const) {
    const again = await openLocalTrust(directory, log, after(days));
    expect(again.anchorSha256).toBe(first.anchorSha256);
    expect(again.signingKeyPem).toBe(first.signingKeyPem);
    expect(await trusted(directory, after(days))).toMatchObject({
      root: { sequence: root },
      revocations: { sequence: list },
    });
  }
});

test('another log is written into the next root', async () => {
  const directory = await state();
  await openLocalTrust(directory, log, START);
  const other = { ...log, origin: 'localhost/b' };
  await openLocalTrust(directory, other, after(1));
  expect((await trusted(directory, after(1))).root).toMatchObject({ sequence: 2, log: other });
});

test('after a rotation the new key signs; with every key revoked the stack says what to do', async () => {
  const directory = await state();
  await openLocalTrust(directory, log, START);
  const keys = join(directory, 'keys');
  const { signing } = await rotateKey(await openKeyDirectory(keys), { overlapMs: 0 }, after(1));
  const opened = await openLocalTrust(directory, log, after(2));
  expect(opened.signingKeyPem).toBe(await readFile(signing.file, 'utf8'));
  const keyIds = [signing.key.publicKey.keyId];
  await revoke(await openKeyDirectory(keys), { keyIds, bundles: [], reason: 'lost' }, after(3));
  await expect(openLocalTrust(directory, log, after(4))).rejects.toThrow('assay keys rotate --dir');
});

test('a clock that went back makes no list that is older than the one before', async () => {
  const directory = await state();
  await openLocalTrust(directory, log, after(10));
  const keys = await openKeyDirectory(join(directory, 'keys'));
  await issueRevocations(keys, {}, START);
  expect((await openKeyDirectory(join(directory, 'keys'))).revocations).toMatchObject({
    sequence: 2,
    issuedAt: after(10),
  });
});
