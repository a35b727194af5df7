/** `POST /v1/verify`: what is answered of a rule, under published documents and without any. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { app } from '../../src/api/app.ts';
import type { DecisionView } from '../../src/consumer/view.ts';
import type { Bindings } from '../../src/env.ts';
import { BUNDLE_FILE, PROOF_FILE } from '../../src/rules/layout.ts';
import type { Revocations, TrustDocument, TrustRoot } from '../../src/schema/trust.ts';
import { type PublicKey, parseSigningKey } from '../../src/signing/ed25519.ts';
import { listFile, rootFile, signerOf } from '../support/trust.ts';
import { call, run } from './client.ts';

/** Nothing of a test's documents may depend on when it is run. */
const HOUR_MS = 3_600_000;
const ISSUED = new Date(Date.now() - HOUR_MS).toISOString();
const EXPIRES = new Date(Date.now() + HOUR_MS).toISOString();

let files: Record<string, string>;
let own: PublicKey;

beforeAll(async () => {
  const { ruleId } = await run('good');
  files = (await call<{ files: Record<string, string> }>(`/v1/rules/${ruleId}`)).body.files;
  const key = await parseSigningKey(inject('bindings').SIGNING_KEY ?? '');
  if (key === null) throw new Error('no key');
  own = key.publicKey;
});
afterEach(() => env.BUCKET.delete('trust/published.json'));

const ask = (body: unknown, token?: string | null) =>
  call<DecisionView & Record<string, unknown>>('/v1/verify', {
    method: 'POST',
    body,
    ...(token === undefined ? {} : { token }),
  });

async function publish(root: Partial<TrustRoot>, list: Partial<Revocations> = {}): Promise<void> {
  const key = await parseSigningKey(inject('bindings').SIGNING_KEY ?? '');
  if (key === null) throw new Error('no key');
  const signers = [signerOf(key, { notBefore: ISSUED })];
  const parse = (file: Uint8Array) => JSON.parse(new TextDecoder().decode(file)) as TrustDocument;
  const documents = {
    roots: [parse(await rootFile({ issuedAt: ISSUED, expiresAt: EXPIRES, signers, ...root }))],
    revocations: parse(await listFile({ issuedAt: ISSUED, ...list })),
  };
  await env.BUCKET.put('trust/published.json', JSON.stringify(documents));
}

describe('without published documents', () => {
  test('a rule of this service counts, with its evidence and its place in the log', async () => {
    const answer = await ask({ files, policy: { version: 1, logged: true, minCases: { invalid: 1 } } });
    expect(answer).toMatchObject({
      status: 200,
      body: { ok: true, keyId: own.keyId, statement: { predicate: { rule: { name: 'no-eval' } } } },
    });
    expect(answer.body.log).toMatchObject({ index: expect.any(Number), size: expect.any(Number) });
  });

  test('for every organisation the same: a rule is not looked up', async () => {
    const first = await ask({ files });
    expect((await ask({ files }, inject('tokens').second)).text).toBe(first.text);
  });

  test.each<[string, (own: Record<string, string>) => Record<string, string>, string]>([
    ['a changed file', (all) => ({ ...all, 'check.ts': `${all['check.ts']}\n` }), 'file_changed'],
    ['a file more', (all) => ({ ...all, 'other.ts': '' }), 'file_not_signed'],
    ['a file less', ({ 'check.ts': _, ...rest }) => rest, 'file_missing'],
    ['no bundle', ({ [BUNDLE_FILE]: _, ...rest }) => rest, 'not_signed'],
    ['a bundle that is none', (all) => ({ ...all, [BUNDLE_FILE]: '{}' }), 'bundle_version_unknown'],
    ['a proof that is none', (all) => ({ ...all, [PROOF_FILE]: 'x' }), 'proof_malformed'],
    ['nothing', () => ({}), 'not_signed'],
  ])('%s is refused by name', async (_, change, reason) => {
    expect(await ask({ files: change(files) })).toMatchObject({ status: 200, body: { ok: false, reason } });
  });

  test('a policy that asks for more says what is missing', async () => {
    const { body } = await ask({ files, policy: { version: 1, minHeldOut: 1, engines: ['sg'] } });
    expect(body).toMatchObject({
      ok: false,
      reason: 'policy',
      violations: [{ reason: 'too_few_held_out' }, { reason: 'engine_not_allowed' }],
      keyId: own.keyId,
    });
  });
});

describe('under published documents', () => {
  test('a signer they name counts, by that name', async () => {
    await publish({});
    expect((await ask({ files })).body).toMatchObject({ ok: true, signer: 'signing-1', log: null });
  });

  test('a signer they do not name does not', async () => {
    await publish({ signers: [] });
    expect((await ask({ files })).body).toMatchObject({ ok: false, reason: 'key_unknown' });
  });

  test('a rule they revoke does not', async () => {
    const { bundleSha256 } = (await ask({ files })).body;
    const revoked = { sha256: String(bundleSha256), at: ISSUED, reason: 'wrong' };
    await publish({}, { bundles: [revoked] });
    expect((await ask({ files })).body).toMatchObject({ ok: false, reason: 'bundle_revoked' });
  });

  test('documents out of time let nothing count', async () => {
    await publish({ issuedAt: '2026-01-01T00:00:00.000Z', expiresAt: ISSUED });
    expect((await ask({ files })).body).toMatchObject({ ok: false, reason: 'trust_root_expired' });
  });
});

test.each<[string, unknown, string]>([
  ['no files', {}, 'INVALID_REQUEST'],
  ['another type', { files: ['check.ts'] }, 'INVALID_REQUEST'],
  ['a file that is no text', { files: { a: 1 } }, 'INVALID_REQUEST'],
  ['a name that would vanish', '{"files":{"__proto__":"x"}}', 'INVALID_REQUEST'],
  ['half a character', '{"files":{"a":"\\ud800"}}', 'INVALID_REQUEST'],
  ['an unknown policy', { files: {}, policy: { version: 1, minCase: {} } }, 'INVALID_REQUEST'],
  ['an unknown field', { files: {}, key: 'x' }, 'INVALID_REQUEST'],
  ['no JSON', '{', 'MALFORMED_JSON'],
])('%s is a bad request', async (_, body, code) => {
  expect(await ask(body)).toMatchObject({ status: 400, body: { code } });
});

test('needs a token, as every route that costs work', async () => {
  expect(await ask({ files }, null)).toMatchObject({ status: 401 });
  const bare = await app.request('/v1/verify', { method: 'POST' }, env as Bindings);
  expect(bare.status).toBe(401);
});
