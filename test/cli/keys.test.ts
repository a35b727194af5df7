/** Keys and trust as people handle them: an operator's directory, a consumer's, and what lies between. */
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPublished } from '../../cli/commands/keys-documents.ts';
import { openKeyDirectory } from '../../cli/keys/key-directory.ts';
import { initKeys } from '../../cli/keys/operations.ts';
import { sha256Hex } from '../../src/rules/digest.ts';
import { privateKeyPem } from '../../src/signing/ed25519.ts';
import { DAY_MS } from '../../src/signing/revocations.ts';
import { type SignedRule, signedRule } from '../support/signed.ts';
import { assayIn, writeSigned, writeTree } from './support.ts';

let scratch: string;
let signed: SignedRule;
let rule: string;
/** Private key of the signed rule. */
const PEM = privateKeyPem(new Uint8Array(32).fill(7));

const assay = (...args: string[]) => assayIn(scratch, args, { HOME: join(scratch, 'home') });
const place = async () => mkdtemp(join(scratch, 'case-'));
const json = (text: string) => JSON.parse(text) as Record<string, unknown>;
const fingerprint = async (file: string) => sha256Hex(await readFile(file));

/** An operator who signed the rule, made without a process. */
async function operator(now = new Date().toISOString(), over: Partial<Parameters<typeof initKeys>[1]> = {}) {
  const keys = join(await place(), 'keys');
  const options = {
    rootKeys: 1,
    threshold: 1,
    validDays: 365,
    revocationsMaxAgeDays: 30,
    adopt: PEM,
    ...over,
  };
  await initKeys(keys, options, now);
  return { keys, public: join(keys, 'public') };
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-keys-'));
  signed = await signedRule();
  rule = await writeSigned(join(scratch, 'rule'), signed);
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('assay keys', () => {
  test('init makes keys nobody else can read, prints none, and never writes over them', async () => {
    const keys = join(await place(), 'keys');
    const made = await assay('keys', 'init', '--dir', keys, '--root-keys', '3', '--name', 'assay-2026');
    expect(made, made.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toContain('root: 2 of 3 keys');
    expect(made.stdout).toContain('wrangler secret put SIGNING_KEY <');
    const names = (await readdir(join(keys, 'private'))).sort();
    expect(names).toEqual(['revocations-1.pem', 'root-1.pem', 'root-2.pem', 'root-3.pem', 'signing-1.pem']);
    const listed = await assay('keys', 'list', '--dir', keys, '--json');
    expect(json(listed.stdout)).toMatchObject({
      sequence: 1,
      signers: [{ name: 'assay-2026', state: 'current' }],
    });
    for (const name of names) {
      const file = join(keys, 'private', name);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const secret = (await readFile(file, 'utf8')).replace(/-----[^-]+-----|\s/g, '').slice(24);
      expect(made.stdout + listed.stdout).not.toContain(secret);
    }
    const before = await readFile(join(keys, 'private', 'signing-1.pem'));
    expect(await assay('keys', 'init', '--dir', keys, '--json')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('KEYS_EXIST'),
    });
    expect(await readFile(join(keys, 'private', 'signing-1.pem'))).toEqual(before);
  });

  test('init refuses a directory that holds other things, or that git tracks', async () => {
    const project = await place();
    await writeTree(project, { 'public/index.html': 'mine', '.gitignore': 'dist\n' });
    const refused = await assay('keys', 'init', '--dir', project, '--json');
    expect(json(refused.stdout)).toMatchObject({ code: 'DIRECTORY_NOT_EMPTY' });
    expect(await readFile(join(project, 'public/index.html'), 'utf8')).toBe('mine');

    const repository = await place();
    const tracked = await writeTree(join(repository, 'keys'), { '.gitignore': '*\n', 'pending/a': 'x' });
    execFileSync('git', ['init', '-q', repository]);
    execFileSync('git', ['-C', repository, 'add', '-f', 'keys']);
    expect(json((await assay('keys', 'init', '--dir', tracked, '--json')).stdout)).toMatchObject({
      code: 'TRACKED_BY_GIT',
    });
    expect(await assay('keys', 'init', '--dir', join(repository, 'own'))).toMatchObject({ code: 0 });
    const status = execFileSync('git', ['-C', repository, 'status', '--porcelain', '--untracked-files=all'], {
      encoding: 'utf8',
    });
    expect(status).not.toContain('own/');
  });

  test('keys that others can read are not used', async () => {
    const { keys } = await operator();
    await chmod(join(keys, 'private', 'root-1.pem'), 0o644);
    const refused = await assay('keys', 'rotate', '--dir', keys);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('chmod go=') });
  });

  test('two holders: what one cannot sign alone waits, the other signs it elsewhere, and it counts', async () => {
    const { keys } = await operator(undefined, { rootKeys: 2, threshold: 2 });
    const other = join(await place(), 'other');
    await mkdir(join(other, 'private'), { recursive: true, mode: 0o700 });
    await rename(join(keys, 'private', 'root-2.pem'), join(other, 'private', 'root-2.pem'));
    const waiting = await assay('keys', 'rotate', '--dir', keys, '--json');
    expect(waiting.code).toBe(1);
    expect(json(waiting.stdout)).toMatchObject({
      ok: false,
      issued: [{ sequence: 2, lacking: [{ count: 1 }] }],
    });
    const pending = join(keys, 'pending', 'trust-root.json');
    expect(await assay('keys', 'rotate', '--dir', keys)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('still waits for signatures'),
    });
    // Nothing counts yet.
    expect(json((await assay('keys', 'list', '--dir', keys, '--json')).stdout)).toMatchObject({
      sequence: 1,
    });

    const sent = join(other, 'document.json');
    await cp(pending, sent);
    const elsewhere = await assay('keys', 'sign', sent, '--dir', other);
    expect(elsewhere, elsewhere.stderr).toMatchObject({ code: 0 });
    expect(elsewhere.stdout).toContain('signing-2');
    expect(await assay('keys', 'sign', sent, '--dir', keys)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('issued trust root 2'),
    });
    expect(await readdir(join(keys, 'pending'))).toEqual([]);
    expect(await assay('keys', 'sign', sent, '--dir', keys)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no trust root waits'),
    });
  });

  test('a lost root key and a lost revocation key leave for new ones, and consumers follow', async () => {
    const { keys, public: documents } = await operator();
    const trust = join(await place(), 'trust');
    await assay(
      'trust',
      'init',
      documents,
      '--trust',
      trust,
      '--expect',
      await fingerprint(join(documents, 'trust-root.json')),
    );
    const renewed = await assay(
      'keys',
      'renew',
      '--dir',
      keys,
      '--replace',
      'root-1',
      '--replace',
      'revocations-1',
    );
    expect(renewed, renewed.stderr).toMatchObject({ code: 0 });
    expect(renewed.stdout).toContain('issued revocation list 2');
    const { root } = await openKeyDirectory(keys);
    await rm(join(keys, 'private', 'root-1.pem'));
    await rm(join(keys, 'private', 'revocations-1.pem'));
    expect(root.root.roles.root.keyIds).toHaveLength(1);
    expect(await assay('keys', 'renew', '--dir', keys)).toMatchObject({ code: 0 });
    expect(await assay('keys', 'refresh', '--dir', keys)).toMatchObject({ code: 0 });
    expect(await assay('trust', 'update', '--trust', trust)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('trust root 3'),
    });
    expect(await assay('verify', rule, '--trust', trust)).toMatchObject({ code: 0 });
  });

  test('revoke wants something to revoke, a known signer, and a reason of one line', async () => {
    const { keys } = await operator();
    const code = async (...args: string[]) =>
      json((await assay('keys', 'revoke', '--dir', keys, '--json', ...args)).stdout).code;
    expect(await code('--reason', 'x')).toBe('NOTHING_TO_REVOKE');
    expect(await code('--reason', 'x', '--key', 'nobody')).toBe('UNKNOWN_KEY');
    expect(await code('--reason', 'x', '--bundle', scratch)).toBe('NOT_SIGNED');
    expect(await code('--reason', 'a\nb', '--key', 'signing-1')).toBe('BAD_REASON');
  });
});

describe('from operator to consumer', () => {
  test('export, init with a fingerprint, verify; then a revoked bundle and a revoked key', async () => {
    const { keys } = await operator();
    const [out, trust] = [join(await place(), 'out'), join(await place(), 'trust')];
    expect(await assay('keys', 'export', '--dir', keys, '--out', out)).toMatchObject({ code: 0 });
    expect((await readdir(out)).sort()).toEqual(['revocations.json', 'roots', 'trust-root.json']);
    const first = await fingerprint(join(out, 'trust-root.json'));
    await assay('keys', 'rotate', '--dir', keys);
    await assay('keys', 'export', '--dir', keys, '--out', out);

    // The fingerprint of any root of the chain will do; the newest is followed from it.
    const init = await assay('trust', 'init', out, '--trust', trust, '--expect', first, '--json');
    expect(json(init.stdout)).toMatchObject({ ok: true, sequence: 2 });
    const verified = await assay('verify', rule, '--trust', trust);
    expect(verified, verified.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('by signing-1'),
    });

    const refusal = async () => json((await assay('verify', rule, '--trust', trust, '--json')).stdout).reason;
    await assay('keys', 'revoke', '--dir', keys, '--bundle', rule, '--reason', 'too broad');
    await assay('trust', 'update', join(keys, 'public'), '--trust', trust);
    expect(await refusal()).toBe('bundle_revoked');
    await assay('keys', 'revoke', '--dir', keys, '--key', 'signing-1', '--reason', 'laptop lost');
    expect(await assay('trust', 'update', '--trust', trust)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('new revocation list'),
    });
    expect(await refusal()).toBe('key_revoked');
  });

  test('init without a terminal asks for a fingerprint, and takes no other', async () => {
    const { public: documents } = await operator();
    const trust = join(await place(), 'trust');
    const asked = await assay('trust', 'init', documents, '--trust', trust);
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('--expect <sha256>') });
    const other = await assay('trust', 'init', documents, '--trust', trust, '--expect', 'ab'.repeat(32));
    expect(other).toMatchObject({ code: 1, stdout: expect.stringContaining('not_expected') });
    const expected = await fingerprint(join(documents, 'trust-root.json'));
    expect(await assay('trust', 'init', documents, '--trust', trust, '--expect', expected)).toMatchObject({
      code: 0,
    });
    expect(await assay('trust', 'init', documents, '--trust', trust, '--expect', expected)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('assay trust update'),
    });
  });

  test('update takes no older and no foreign documents, and changes nothing then', async () => {
    const { keys, public: documents } = await operator();
    const trust = join(await place(), 'trust');
    const old = join(await place(), 'old');
    await cp(documents, old, { recursive: true });
    await assay('keys', 'rotate', '--dir', keys);
    await assay(
      'trust',
      'init',
      documents,
      '--trust',
      trust,
      '--expect',
      await fingerprint(join(documents, 'trust-root.json')),
    );
    const before = await readFile(join(trust, 'trust-root.json'));
    const stranger = await operator();
    for (const [source, reason] of [
      [old, 'trust_root_rollback'],
      [stranger.public, 'trust_root_rollback'],
    ] as const) {
      const refused = await assay('trust', 'update', source, '--trust', trust, '--json');
      expect(refused.code).toBe(1);
      expect(json(refused.stdout)).toMatchObject({ ok: false, reason });
    }
    await assay('keys', 'rotate', '--dir', stranger.keys);
    expect(
      json((await assay('trust', 'update', stranger.public, '--trust', trust, '--json')).stdout),
    ).toMatchObject({
      reason: 'trust_root_forked',
    });
    expect(await readFile(join(trust, 'trust-root.json'))).toEqual(before);
  });

  test('a service is a source, and its answer no more than documents', async () => {
    const { keys } = await operator();
    const published = toPublished(await openKeyDirectory(keys));
    let body: unknown = { ...published, trustRoot: published.roots[0], keys: [] };
    const server = await serve(() => body);
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const trust = join(await place(), 'trust');
      const expected = await fingerprint(join(keys, 'public', 'trust-root.json'));
      const taken = await assay('trust', 'init', url, '--trust', trust, '--expect', expected);
      expect(taken, taken.stderr).toMatchObject({ code: 0 });
      expect(await assay('verify', rule, '--trust', trust)).toMatchObject({ code: 0 });
      body = { keys: [], trustRoot: null, roots: [], revocations: null };
      expect(await assay('trust', 'update', '--trust', trust)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('publishes no trust root'),
      });
      body = [];
      expect(json((await assay('trust', 'update', '--trust', trust, '--json')).stdout).code).toBe(
        'BAD_ANSWER',
      );
    } finally {
      server.close();
    }
  });
});

describe('a consumer without usable trust gets no answer', () => {
  const codeOf = async (...args: string[]) => {
    const run = await assay('verify', rule, '--json', ...args);
    expect(run.code).toBe(2);
    return json(run.stdout);
  };

  test('NO_TRUST_ROOT, with the next move, and nothing is looked for in the repository', async () => {
    await writeTree(join(scratch, '.assay'), {
      'dev/trust/trust-root.json': '{}',
      'trust/trust-root.json': '{}',
    });
    expect(await codeOf()).toMatchObject({
      code: 'NO_TRUST_ROOT',
      hint: expect.stringContaining('assay trust init'),
    });
  });

  test('a stale list, an expired root, a damaged file, a missing list', async () => {
    const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
    const stale = await operator(ago(31));
    expect(await codeOf('--trust', stale.public)).toMatchObject({
      code: 'REVOCATIONS_STALE',
      hint: expect.stringContaining('assay trust update'),
    });
    await assay('keys', 'refresh', '--dir', stale.keys);
    expect(await assay('verify', rule, '--trust', stale.public)).toMatchObject({ code: 0 });
    const expired = await operator(ago(400));
    expect(await codeOf('--trust', expired.public)).toMatchObject({ code: 'TRUST_ROOT_EXPIRED' });
    const { public: documents } = await operator();
    await rm(join(documents, 'revocations.json'));
    expect(await codeOf('--trust', documents)).toMatchObject({ code: 'REVOCATIONS_MISSING' });
    await writeFile(join(documents, 'trust-root.json'), '{');
    expect(await codeOf('--trust', documents)).toMatchObject({ code: 'TRUST_ROOT_NOT_JSON' });
    expect(await codeOf('--trust', documents, '--key', rule)).toMatchObject({ code: 'TRUST_AND_KEY' });
  });
});

async function serve(body: () => unknown): Promise<Server> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
