/** Published trust documents: what the service takes, whom it then signs for, and that its key stays put. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { app } from '../../src/api/app.ts';
import type { Bindings } from '../../src/env.ts';
import { sha256Hex } from '../../src/rules/digest.ts';
import type { PublishedTrust, Revocations, TrustDocument, TrustRoot } from '../../src/schema/trust.ts';
import { fromBase64, toBase64 } from '../../src/signing/base64.ts';
import { parseSigningKey, type SigningKey } from '../../src/signing/ed25519.ts';
import { assertMaySign } from '../../src/steps/may-sign.ts';
import { openDeps } from '../../src/workflows/deps.ts';
import { keyOf } from '../support/signed.ts';
import { listed, listFile, rootBody, rootFile, signerOf, trustKeys } from '../support/trust.ts';
import { call, run } from './client.ts';

/** Nothing of a test's documents may depend on when it is run. */
const ISSUED = new Date(Date.now() - 60_000).toISOString();
const EXPIRES = new Date(Date.now() + 3_600_000).toISOString();

let own: SigningKey;
let anchor: string;

const rootOf = (over: Partial<TrustRoot> = {}) =>
  rootFile({
    issuedAt: ISSUED,
    expiresAt: EXPIRES,
    signers: [signerOf(own, { notBefore: ISSUED })],
    ...over,
  });
const parse = (file: Uint8Array) => JSON.parse(new TextDecoder().decode(file)) as TrustDocument;

async function documents(
  roots: readonly Partial<TrustRoot>[],
  list: Partial<Revocations> = {},
): Promise<PublishedTrust> {
  const files = await Promise.all(roots.map(rootOf));
  return { roots: files.map(parse), revocations: parse(await listFile({ issuedAt: ISSUED, ...list })) };
}

async function put(body: unknown, over: Partial<Bindings> = { TRUST_ROOT_SHA256: anchor }) {
  const response = await app.request(
    '/v1/keys/trust',
    {
      method: 'PUT',
      headers: { authorization: `Bearer ${inject('tokens').first}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    },
    { ...(env as Bindings), ...over },
  );
  return { status: response.status, body: await response.json<Record<string, unknown>>() };
}

beforeAll(async () => {
  const key = await parseSigningKey(inject('bindings').SIGNING_KEY ?? '');
  if (key === null) throw new Error('no key');
  own = key;
  anchor = await sha256Hex(await rootOf());
});
afterEach(() => env.BUCKET.delete('trust/published.json'));

describe('PUT /v1/keys/trust', () => {
  test('takes what follows from the root that is set, and GET /v1/keys serves it', async () => {
    expect((await call('/v1/keys', { token: null })).body).toMatchObject({
      trustRoot: null,
      revocations: null,
    });
    const published = await documents([{}, { sequence: 2 }]);
    expect(await put(published)).toMatchObject({ status: 200, body: { ok: true, root: 2, revocations: 1 } });
    expect((await call('/v1/keys', { token: null })).body).toMatchObject({
      trustRoot: published.roots[1],
      roots: published.roots,
      revocations: published.revocations,
    });
    expect(await put(published)).toMatchObject({ status: 200 });
  });

  test('needs a token and the setting', async () => {
    const published = await documents([{}]);
    expect(await call('/v1/keys/trust', { method: 'PUT', body: published, token: null })).toMatchObject({
      status: 401,
    });
    expect(await put(published, {})).toMatchObject({ status: 409, body: { code: 'TRUST_NOT_CONFIGURED' } });
    expect(await call('/v1/keys/trust')).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
  });

  test.each([
    ['another first root', () => documents([{ revocationsMaxAgeDays: 2 }]), 'trust_root_chain'],
    ['a gap', () => documents([{}, { sequence: 3 }]), 'trust_root_chain'],
    [
      'a list of long ago',
      () => documents([{}], { issuedAt: '2020-01-01T00:00:00.000Z' }),
      'revocations_stale',
    ],
  ])('refuses %s', async (_, make, reason) => {
    expect(await put(await make())).toMatchObject({
      status: 409,
      body: { code: 'TRUST_REFUSED', details: { reason } },
    });
    expect((await call('/v1/keys')).body).toMatchObject({ trustRoot: null });
  });

  test('refuses to go back, and to exchange a root that was published', async () => {
    const revoked = { sequence: 2, bundles: [{ sha256: 'ab'.repeat(32), at: ISSUED, reason: 'x' }] };
    await put(await documents([{}, { sequence: 2 }], revoked));
    const refused = async (...given: Parameters<typeof documents>) =>
      (await put(await documents(...given))).body;
    expect(await refused([{}], revoked)).toMatchObject({ details: { reason: 'trust_root_rollback' } });
    const other = { sequence: 2, revocationsMaxAgeDays: 2 };
    expect(await refused([{}, other], revoked)).toMatchObject({ details: { reason: 'trust_root_forked' } });
    expect(await refused([{}, other, { sequence: 3 }], revoked)).toMatchObject({
      details: { reason: 'trust_root_forked' },
    });
    expect(await refused([{}, { sequence: 2 }])).toMatchObject({
      details: { reason: 'revocations_rollback' },
    });
    expect(await refused([{}, { sequence: 2 }], { sequence: 3 })).toMatchObject({
      details: { reason: 'revocations_entry_lost' },
    });
  });

  test('refuses a stranger among older roots, on whom consumers who were away for long would strand', async () => {
    await put(await documents([{}, { sequence: 2 }, { sequence: 3 }]));
    const stranger = await keyOf(40);
    const body = await rootBody();
    const role = { keyIds: [stranger.publicKey.keyId], threshold: 1 };
    const foreign = await rootFile(
      {
        ...{ sequence: 2, issuedAt: ISSUED, expiresAt: EXPIRES },
        roles: { ...body.roles, root: role },
        keys: [...body.keys, listed(stranger)],
      },
      [stranger],
    );
    const { roots, revocations } = await documents([{}, { sequence: 2 }, { sequence: 3 }]);
    expect((await put({ roots: [roots[0], parse(foreign), roots[2]], revocations })).body).toMatchObject({
      details: { reason: 'trust_root_chain' },
    });
  });

  test('refuses bodies that are no documents', async () => {
    expect(await put({})).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    expect(await put({ roots: [], revocations: null })).toMatchObject({ status: 400 });
  });

  test('a setting that is no digest is refused with its name', async () => {
    const answer = await put({}, { TRUST_ROOT_SHA256: 'abc' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'CONFIG_INVALID' } });
    expect(answer.body.message).toContain('TRUST_ROOT_SHA256');
  });
});

describe('whom the service signs for', () => {
  const at = new Date().toISOString();
  const ask = async (trustRootSha256: string | null, when = at) =>
    assertMaySign({ ...(await openDeps(env as Bindings)), trustRootSha256 }, when);

  test('for its own key where nothing is published and nothing is set', async () => {
    expect([...(await ask(null)).byKeyId.keys()]).toEqual([own.publicKey.keyId]);
  });

  test('for nobody where a root is set and none, or another one, is published', async () => {
    await expect(ask(anchor)).rejects.toThrow('SIGNER_NOT_TRUSTED');
    await put(await documents([{}]));
    expect((await ask(anchor)).byKeyId.size).toBe(1);
    await expect(ask('ab'.repeat(32))).rejects.toThrow('SIGNER_NOT_TRUSTED');
  });

  test.each<[string, () => Promise<PublishedTrust>]>([
    ['not in the root', async () => documents([{}, { sequence: 2, signers: [signerOf(await keyOf(8))] }])],
    [
      'revoked',
      () => documents([{}], { keys: [{ keyId: own.publicKey.keyId, at: ISSUED, reason: 'lost' }] }),
    ],
    [
      'ended',
      () =>
        documents([{}, { sequence: 2, signers: [signerOf(own, { notBefore: ISSUED, notAfter: ISSUED })] }]),
    ],
    [
      'not yet begun',
      () => documents([{}, { sequence: 2, signers: [signerOf(own, { notBefore: EXPIRES })] }]),
    ],
  ])('not for a key that is %s', async (_, make) => {
    expect(await put(await make())).toMatchObject({ status: 200 });
    await expect(ask(null)).rejects.toThrow('SIGNER_NOT_TRUSTED');
  });

  test('and then no model is paid: the generation ends before its first call', async () => {
    await put(await documents([{}, { sequence: 2, signers: [signerOf((await trustKeys()).next)] }]));
    expect(await run('good')).toMatchObject({
      status: 'errored',
      reason: { code: 'SIGNER_NOT_TRUSTED' },
      spend: { calls: 0 },
    });
  });
});

/** Every text in which a key could be recognised, whatever stands before it. */
function disguises(seed: Uint8Array): string[] {
  const hex = Array.from(seed, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const base64 = [0, 1, 2].map((shift) => {
    const text = toBase64(Uint8Array.from([...new Uint8Array(shift), ...seed]));
    // Without the characters that hold bits of a neighbour.
    return text.slice(shift === 0 ? 0 : shift + 1, 40);
  });
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [String.fromCharCode(...seed), hex, hex.toUpperCase(), [...seed].join(','), ...base64, ...url];
}

async function everythingStored(generationId: string): Promise<string> {
  const parts: string[] = [];
  const tables = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all<{
    name: string;
  }>();
  for (const { name } of tables.results.filter((one) => !one.name.startsWith('_cf'))) {
    parts.push(JSON.stringify((await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results));
  }
  for (const { key } of (await env.BUCKET.list()).objects) {
    const bytes = new Uint8Array((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? new ArrayBuffer(0));
    parts.push(key, Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    // A payload in base64 is read, too.
    const payload = /"payload":\s*"([A-Za-z0-9+/=]+)"/.exec(parts.at(-1) ?? '')?.[1];
    parts.push(payload === undefined ? '' : atob(payload));
  }
  parts.push(JSON.stringify(await (await env.GENERATE_RULE.get(generationId)).status()));
  return parts.join('\n');
}

test('no key byte is in D1, R2, step results, logs or answers of a signed generation', async () => {
  const logged: string[] = [];
  const levels = ['debug', 'log', 'info', 'warn', 'error'] as const;
  const spies = levels.map((level) =>
    vi
      .spyOn(console, level)
      .mockImplementation((...all: unknown[]) => void logged.push(all.map(String).join(' '))),
  );
  await put(await documents([{}]));
  const generation = await run('silent, good');
  expect(generation).toMatchObject({ status: 'signed', attempt: 2 });
  const stored = await everythingStored(generation.id);
  const answers = await Promise.all(
    ['/v1/keys', `/v1/generations/${generation.id}`, `/v1/rules/${generation.ruleId}`].map(
      async (path) => (await call(path)).text,
    ),
  );
  for (const spy of spies) spy.mockRestore();
  // The scan sees what it looks at: the key's id in D1, in R2 and in step results, and a key where one is.
  expect(stored.split(own.publicKey.keyId).length).toBeGreaterThan(3);
  expect(stored).toContain('__LOCAL_DEV_STEP_OUTPUTS');
  const { SIGNING_KEY = '', LOG_KEY = '' } = inject('bindings');
  const secrets = [SIGNING_KEY, LOG_KEY].map((pem) => pem.replace(/-----[^-]+-----|\s/g, ''));
  const looks = secrets.flatMap((secret) => disguises((fromBase64(secret) ?? new Uint8Array()).slice(-32)));
  expect(secrets.every((secret) => looks.some((text) => secret.includes(text)))).toBe(true);
  const found = looks.filter((text) => [stored, ...answers, ...logged].some((one) => one.includes(text)));
  expect(found).toEqual([]);
  expect([stored, ...answers, ...logged].some((one) => one.includes('PRIVATE KEY'))).toBe(false);
});
