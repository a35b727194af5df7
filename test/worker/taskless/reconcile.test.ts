/** Which checks may run, over rules that were really signed; and what is public of the contract. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { tasklessEnvelope } from '../../../src/rules/digest.ts';
import { NIL_UUID, type Reconciled } from '../../../src/schema/taskless.ts';
import type { Revocations, TrustDocument, TrustRoot } from '../../../src/schema/trust.ts';
import { parseSigningKey } from '../../../src/signing/ed25519.ts';
import { listFile, rootFile, signerOf } from '../../support/trust.ts';
import { call, run } from '../client.ts';
import { cli, cover, poll, REPOSITORY } from './client.ts';

const HOUR_MS = 3_600_000;
const ISSUED = new Date(Date.now() - HOUR_MS).toISOString();
const EXPIRES = new Date(Date.now() + HOUR_MS).toISOString();
const OTHER = 'https://github.com/acme/other';

interface Rule {
  readonly ruleId: string;
  readonly name: string;
  readonly bundleSha256: string;
  readonly signature: string;
  readonly file: string;
}
/** Made with our API, for any repository; and with the client's, for one. */
let wide: Rule;
let narrow: Rule;

async function ruleOf(ruleId: string): Promise<Rule> {
  const { body } = await call<{ name: string; bundleSha256: string; files: Record<string, string> }>(
    `/v1/rules/${ruleId}`,
  );
  const { name, bundleSha256, files } = body;
  const signature = await tasklessEnvelope(files['check.ts'] ?? '');
  return { ruleId, name, bundleSha256, signature, file: `.taskless/rules/runtime/${name}/check.ts` };
}

beforeAll(async () => {
  await cover('Acme');
  await cover('acme', {}, inject('tokens').second);
  wide = await ruleOf((await run('good', { name: 'wide' })).ruleId ?? '');
  const { body } = await cli<{ ruleId: string }>('/cli/api/rule', {
    orgId: NIL_UUID,
    repositoryUrl: REPOSITORY,
    // Another check: with the same one there would be one hash for both.
    prompt: 'No eval [[elsewhere]]',
    successCases: ['JSON.parse(s);'],
    failureCases: ['eval(s);'],
  });
  const ended = await poll(body.ruleId);
  narrow = { ...(await ruleOf(ended.assay?.rule ?? '')), ruleId: body.ruleId };
});
afterEach(() => env.BUCKET.delete('trust/published.json'));

type Held = { file: string; signature: string };
async function ask(files: readonly Held[], over: object = {}, token?: string): Promise<Reconciled> {
  const body = { orgId: NIL_UUID, repositoryUrl: REPOSITORY, files, ...over };
  const answer = await cli<Reconciled>('/cli/api/reconcile', body, token);
  expect(answer.status).toBe(200);
  return answer.body;
}

const held = ({ file, signature }: Rule): Held => ({ file, signature });
const entry = ({ ruleId, file, signature }: Rule) => ({ ruleId, file, signature });
const absent = ({ ruleId, file }: Rule) => ({ ruleId, file });
const NOTHING: Reconciled = { run: [], unsafe: [], unknown: [], missing: [] };
const WRONG = `1;h=sha-256;d=${'0'.repeat(64)}`;

async function publish(list: Partial<Revocations>, root: Partial<TrustRoot> = {}): Promise<void> {
  const key = await parseSigningKey(inject('bindings').SIGNING_KEY ?? '');
  if (key === null) throw new Error('no key');
  const parse = (file: Uint8Array) => JSON.parse(new TextDecoder().decode(file)) as TrustDocument;
  const signers = [signerOf(key, { notBefore: ISSUED })];
  const documents = {
    roots: [parse(await rootFile({ issuedAt: ISSUED, expiresAt: EXPIRES, signers, ...root }))],
    revocations: parse(await listFile({ issuedAt: ISSUED, ...list })),
  };
  await env.BUCKET.put('trust/published.json', JSON.stringify(documents));
}

describe('what may run', () => {
  test('is what was signed, with its content', async () => {
    expect(await ask([held(wide), held(narrow)])).toEqual({ ...NOTHING, run: [entry(wide), entry(narrow)] });
  });

  test('is not what was changed, what nobody issued, or what merely claims a place', async () => {
    const changed = { ...held(wide), signature: WRONG };
    const strange = { file: '.taskless/rules/runtime/strange/check.ts', signature: WRONG };
    const empty = { file: 'check.ts', signature: '' };
    expect(await ask([changed, strange, empty])).toEqual({
      run: [],
      unsafe: [{ file: wide.file, expected: wide.signature, got: WRONG }],
      unknown: [{ file: strange.file }, { file: empty.file }],
      missing: [absent(narrow)],
    });
  });

  test('is known by content, under any name and in the older layout', async () => {
    const moved = { file: '.taskless/runtime-rules/renamed/check.ts', signature: wide.signature };
    expect(await ask([moved])).toEqual({
      ...NOTHING,
      run: [{ ruleId: wide.ruleId, ...moved }],
      missing: [absent(narrow)],
    });
  });

  test('nothing reported: everything is missing', async () => {
    const { missing, ...rest } = await ask([]);
    expect(rest).toEqual({ run: [], unsafe: [], unknown: [] });
    expect(missing).toHaveLength(2);
    expect(missing).toEqual(expect.arrayContaining([absent(wide), absent(narrow)]));
  });

  test('is of this repository, or of none', async () => {
    const answer = await ask([held(wide), held(narrow)], { repositoryUrl: OTHER });
    expect(answer).toEqual({ ...NOTHING, run: [entry(wide)], unknown: [{ file: narrow.file }] });
  });

  test('is of this organisation', async () => {
    const answer = await ask([held(wide)], {}, inject('tokens').second);
    expect(answer).toEqual({ ...NOTHING, unknown: [{ file: wide.file }] });
  });

  test('a client may leave its organisation out', async () => {
    expect((await ask([held(wide)], { orgId: undefined })).run).toEqual([entry(wide)]);
  });

  test('rules from before hashes were kept are known too', async () => {
    const forget = env.DB.prepare('UPDATE rules SET check_envelope = NULL WHERE id = ?1').bind(wide.ruleId);
    await forget.run();
    expect((await ask([held(wide)])).run).toEqual([entry(wide)]);
    const row = await env.DB.prepare('SELECT check_envelope FROM rules WHERE id = ?1')
      .bind(wide.ruleId)
      .first();
    expect(row).toEqual({ check_envelope: wide.signature });
  });
});

describe('under published documents', () => {
  test('a revoked rule may not run any more; the others may', async () => {
    await publish({ bundles: [{ sha256: wide.bundleSha256, at: ISSUED, reason: 'wrong' }] });
    expect(await ask([held(wide), held(narrow)])).toEqual({
      ...NOTHING,
      run: [entry(narrow)],
      unknown: [{ file: wide.file }],
    });
  });

  test('nothing of a revoked key, of a key they do not name, or outside of its time', async () => {
    const key = await parseSigningKey(inject('bindings').SIGNING_KEY ?? '');
    if (key === null) throw new Error('no key');
    const revoked = { keyId: key.publicKey.keyId, at: ISSUED, reason: 'lost' };
    for (const documents of [
      () => publish({ keys: [revoked] }),
      () => publish({}, { signers: [] }),
      () =>
        publish(
          {},
          { signers: [signerOf(key, { notBefore: '2026-01-01T00:00:00.000Z', notAfter: ISSUED })] },
        ),
    ]) {
      await documents();
      expect(await ask([held(wide)])).toEqual({ ...NOTHING, unknown: [{ file: wide.file }] });
    }
  });
});

test("a rule that was signed in its key's time counts, however late it was published", async () => {
  const key = await parseSigningKey(inject('bindings').SIGNING_KEY ?? '');
  if (key === null) throw new Error('no key');
  const row = env.DB.prepare('SELECT published_at FROM rules WHERE id = ?1').bind(wide.ruleId);
  const before = await row.first<{ published_at: string }>();
  const move = (at: string) =>
    env.DB.prepare('UPDATE rules SET published_at = ?2 WHERE id = ?1').bind(wide.ruleId, at).run();
  const notAfter = new Date().toISOString();
  await move(EXPIRES);
  await publish({}, { signers: [signerOf(key, { notBefore: ISSUED, notAfter })] });
  expect((await ask([held(wide)])).run).toEqual([entry(wide)]);
  await move(before?.published_at ?? '');
});

test('a file list of another shape is refused', async () => {
  const body = { orgId: NIL_UUID, repositoryUrl: REPOSITORY, files: [{ file: 'x' }] };
  expect(await cli('/cli/api/reconcile', body)).toMatchObject({
    status: 400,
    body: { error: 'validation_error' },
  });
});

describe('what is public', () => {
  test('vectors are what the hash gives', async () => {
    const { body } = await cli<{ vectors: { name: string; input: string; signature: string }[] }>(
      '/cli/api/rule-hash-vectors',
      undefined,
      null,
    );
    expect(body.vectors).toHaveLength(13);
    for (const { name, input, signature } of body.vectors) {
      expect(await tasklessEnvelope(input), name).toBe(signature);
    }
  });

  test('the manifest names every route of the schema, and the schema no other', async () => {
    const manifest = await cli<{ endpoints: { method: string; path: string; token: boolean }[] }>(
      '/cli/api',
      undefined,
      null,
    );
    const schema = await cli<{ openapi: string; paths: Record<string, object> }>(
      '/cli/api/__schema',
      undefined,
      null,
    );
    expect(schema.body.openapi).toBe('3.1.0');
    const described = Object.entries(schema.body.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(manifest.body.endpoints.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      described.sort(),
    );
    expect(described).toContain('POST /cli/api/rule/{id}/iterate');
    expect(Object.keys(schema.body.paths).every((path) => path.startsWith('/cli/'))).toBe(true);
  });
});

describe('owners', () => {
  test('are put again under the same id, listed by name, and removed', async () => {
    const first = await cover('Zeta', { repositories: ['B', 'a', 'b'] });
    expect(first).toMatchObject({
      owner: 'zeta',
      name: 'Zeta',
      url: 'https://github.com/zeta',
      repositories: ['a', 'b'],
    });
    const second = await cover('ZETA', { name: 'Zeta Inc.', githubId: 7 });
    expect(second).toMatchObject({ id: first.id, name: 'Zeta Inc.', repositories: null, githubId: 7 });
    const remove = { method: 'DELETE' };
    expect((await call(`/v1/owners/${first.id}`, { ...remove, token: inject('tokens').second })).status).toBe(
      404,
    );
    expect((await call(`/v1/owners/${first.id}`, remove)).status).toBe(200);
    expect((await call(`/v1/owners/${first.id}`, remove)).status).toBe(404);
    const { body } = await call<{ owners: { owner: string }[] }>('/v1/owners');
    expect(body.owners.map(({ owner }) => owner)).toEqual(['acme']);
  });

  test.each([
    { owner: '' },
    { owner: 'a/b' },
    { owner: 'a', repositories: [] },
    { owner: 'a', orgId: 'second' },
  ])('%j is refused', async (body) => {
    expect(await call('/v1/owners', { method: 'POST', body })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST' },
    });
  });
});
