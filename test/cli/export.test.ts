/** `assay export` as a process: what it writes, where it refuses to, and what it believes of a service. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { privateKeyPem, publicKeyPem } from '../../src/signing/ed25519.ts';
import { signedSidecar } from '../../src/signing/sidecars/formats.ts';
import { partsOf } from '../../src/signing/sidecars/parts.ts';
import { keyOf, signedRule } from '../support/signed.ts';
import { assayIn } from './support.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-export-'));
  for (const seed of [7, 8]) {
    await writeFile(join(scratch, `private-${seed}.pem`), privateKeyPem(new Uint8Array(32).fill(seed)));
    await writeFile(join(scratch, `public-${seed}.pem`), publicKeyPem((await keyOf(seed)).publicKey));
  }
});
afterAll(() => rm(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  for (const name of ['no-eval', 'out']) await rm(join(scratch, name), { recursive: true, force: true });
  const { files, bundle } = await signedRule();
  for (const [path, bytes] of [...files, ['rule.sigstore.json', bundle] as const]) {
    await mkdir(dirname(join(scratch, 'no-eval', path)), { recursive: true });
    await writeFile(join(scratch, 'no-eval', path), bytes);
  }
});

const KEY = ['--key', 'public-7.pem'];
const SIGNING_KEY = ['--signing-key', 'private-7.pem'];
/** Nothing of the machine's own trust or connection is found. */
const exported = (format: string, ...more: string[]) =>
  assayIn(scratch, ['export', 'no-eval', '--format', format, '--out', 'out', '--json', ...more], {
    HOME: scratch,
  });
const out = (name: string) => readFile(join(scratch, 'out', name));
const answerOf = (run: { stdout: string }) => JSON.parse(run.stdout) as Record<string, unknown>;

describe('writes', () => {
  test('without a key what needs none, and says that nothing was verified', async () => {
    const run = await exported('dsse');
    expect({ code: run.code, ...answerOf(run) }).toMatchObject({ code: 0, ok: true, verified: false });
    const { bundle } = await signedRule();
    const { dsseEnvelope } = JSON.parse(new TextDecoder().decode(bundle));
    expect(JSON.parse((await out('rule.dsse.json')).toString())).toEqual(dsseEnvelope);
  });

  test('with the public key the same signature, verified first', async () => {
    const run = await exported('openssl', ...KEY);
    expect({ code: run.code, ...answerOf(run) }).toMatchObject({ code: 0, ok: true, verified: true });
    const { bundle } = await signedRule();
    const { dsseEnvelope } = JSON.parse(new TextDecoder().decode(bundle));
    expect((await out('signature.bin')).toString('base64')).toBe(dsseEnvelope.signatures[0].sig);
    expect((await out('payload.json')).toString('base64')).toBe(dsseEnvelope.payload);
  });

  test('with the private key a new signature, and the key nowhere', async () => {
    const run = await exported('minisign', ...SIGNING_KEY);
    expect({ code: run.code, ...answerOf(run) }).toMatchObject({ code: 0, ok: true, verified: true });
    const parts = await partsOf((await signedRule()).bundle);
    if (!parts.ok) throw new Error(parts.message);
    const { files } = signedSidecar('minisign', parts, await keyOf(7));
    for (const [name, content] of Object.entries(files)) {
      expect((await out(name)).equals(Buffer.from(content)), name).toBe(true);
    }
  });
});

describe('refuses', () => {
  test.each<[string, string, string[], string]>([
    ['a format that needs the public key', 'signify', [], 'NO_PUBLIC_KEY'],
    ['a format that needs the signer', 'ssh', KEY, 'NO_SIGNER'],
    ['another private key', 'ssh', [...KEY, '--signing-key', 'private-8.pem'], 'WRONG_KEY'],
    ['a public key as private one', 'ssh', [...KEY, '--signing-key', 'public-7.pem'], 'BAD_KEY'],
    ['a trust root that is not there', 'dsse', ['--trust', 'nowhere'], 'NO_TRUST_ROOT'],
  ])('%s', async (_, format, options, code) => {
    const run = await exported(format, ...options);
    expect({ exit: run.code, ...answerOf(run) }).toMatchObject({ exit: 2, ok: false, code });
    expect(existsSync(join(scratch, 'out'))).toBe(false);
  });

  test('a rule with a changed file, or by another key: exit code 1', async () => {
    const other = await exported('openssl', '--key', 'public-8.pem');
    expect({ exit: other.code, ...answerOf(other) }).toMatchObject({ exit: 1, reason: 'key_unknown' });
    await writeFile(join(scratch, 'no-eval', 'check.ts'), 'export default () => [];\n');
    const changed = await exported('openssl', ...KEY);
    expect({ exit: changed.code, ...answerOf(changed) }).toMatchObject({ exit: 1, reason: 'file_changed' });
  });

  test('to write over what differs, unless forced, and then not through a link', async () => {
    const victim = join(scratch, 'victim');
    await writeFile(victim, 'mine');
    await mkdir(join(scratch, 'out'));
    await symlink(victim, join(scratch, 'out', 'rule.dsse.json'));
    const run = await exported('dsse');
    expect({ exit: run.code, ...answerOf(run) }).toMatchObject({ exit: 2, code: 'FILE_EXISTS' });
    expect((await exported('dsse', '--force')).code).toBe(0);
    expect(await readFile(victim, 'utf8')).toBe('mine');
    expect((await exported('dsse')).code).toBe(0);
  });

  test('to write into the rule directory, even through a link', async () => {
    await symlink(join(scratch, 'no-eval'), join(scratch, 'out'));
    for (const place of ['no-eval', 'no-eval/captures/x', 'out/x']) {
      const run = await exported('dsse', '--out', place);
      expect({ exit: run.code, ...answerOf(run) }, place).toMatchObject({ exit: 2, code: 'INSIDE_RULE' });
    }
    await rm(join(scratch, 'out'));
  });
});

describe('a service', () => {
  test('is asked for the rule by its token, and believed when its signature fits', async () => {
    const parts = await partsOf((await signedRule()).bundle);
    if (!parts.ok) throw new Error(parts.message);
    const { files, commands } = signedSidecar('ssh', parts, await keyOf(7));
    const asked: string[] = [];
    let lie = false;
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const text = String(files['rule.sigstore.json.sig']);
      const sent = {
        allowed_signers: String(files.allowed_signers),
        'rule.sigstore.json.sig': lie ? text.replace('A', 'B') : text,
      };
      response.setHeader('content-type', 'application/json');
      const { bundleSha256, keyId } = parts;
      response.end(JSON.stringify({ format: 'ssh', bundleSha256, keyId, files: sent, commands }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const service = ['--server', url, '--token', 'secret'];
      const run = await exported('ssh', ...KEY, ...service);
      expect({ code: run.code, ...answerOf(run) }).toMatchObject({ code: 0, ok: true, verified: true });
      expect(asked).toEqual(['GET /v1/rules/rule-1/sidecars/ssh Bearer secret']);
      expect((await out('rule.sigstore.json.sig')).toString()).toBe(files['rule.sigstore.json.sig']);
      await rm(join(scratch, 'out'), { recursive: true });
      lie = true;
      const lied = await exported('ssh', ...KEY, ...service);
      expect({ exit: lied.code, ...answerOf(lied) }).toMatchObject({ exit: 2, code: 'BAD_ANSWER' });
      expect(existsSync(join(scratch, 'out'))).toBe(false);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
