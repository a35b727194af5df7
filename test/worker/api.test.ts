import { env } from 'cloudflare:workers';
import { describe, expect, inject, test } from 'vitest';
import { app } from '../../src/api/app.ts';
import type { Bindings } from '../../src/env.ts';
import { request } from '../support/rule.ts';
import { call, countRows, create, run, untilEnded } from './client.ts';

const post = (body: unknown, headers = {}) => call('/v1/generations', { method: 'POST', body, headers });

const caseOf = (name: string, files: Record<string, string>) => ({ name, kind: 'invalid', files });
const withCase = (files: Record<string, string>) =>
  post({ ...request, cases: [request.cases[0], caseOf('x', files)] });

/** A valid request with one more member, as text. */
const withText = (member: string) => `{${member},${JSON.stringify(request).slice(1)}`;

describe('tokens', () => {
  test.each([
    ['none', null],
    ['a wrong one', 'wrong'],
    ['an empty one', ''],
    ['a very long one', 'x'.repeat(10_000)],
  ])('%s gets the same 401', async (_name, token) => {
    const answer = await call('/v1/generations', { token });
    expect(answer).toMatchObject({ status: 401, body: { ok: false, code: 'UNAUTHORIZED' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('an unknown generation needs a token before it is unknown', async () => {
    expect((await call('/v1/generations/gen-x', { token: null })).status).toBe(401);
  });
});

describe('bad input gets a 4xx with a stable code and starts nothing', () => {
  test.each<[string, () => ReturnType<typeof post>, number, string]>([
    ['text that is not JSON', () => post('{'), 400, 'MALFORMED_JSON'],
    ['JSON that is no request', () => post([]), 400, 'INVALID_REQUEST'],
    ['an unknown field', () => post({ ...request, temperature: 1 }), 400, 'INVALID_REQUEST'],
    [
      'only one kind of case',
      () => post({ ...request, cases: request.cases.slice(0, 1) }),
      400,
      'INVALID_REQUEST',
    ],
    [
      'a path that escapes',
      () =>
        post({
          ...request,
          cases: [request.cases[0], { name: 'x', kind: 'invalid', files: { '../x': '' } }],
        }),
      400,
      'INVALID_REQUEST',
    ],
    ['a prototype as a key', () => post('{"prompt":"x","cases":[],"__proto__":{}}'), 400, 'INVALID_REQUEST'],
    ['an unknown "__proto__"', () => post(withText('"__proto__":{}')), 400, 'INVALID_REQUEST'],
    ['a key that is given twice', () => post(withText('"prompt":"other"')), 400, 'INVALID_REQUEST'],
    [
      'more keys than checking them has room for',
      () => withCase(Object.fromEntries(Array.from({ length: 150_000 }, (_, n) => [`${n}`, '']))),
      400,
      'INVALID_REQUEST',
    ],
    ['a byte order mark', () => post(`\ufeff${JSON.stringify(request)}`), 400, 'MALFORMED_JSON'],
    ['an encoded body', () => post(request, { 'content-encoding': 'gzip' }), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'another charset',
      () => post(request, { 'content-type': 'application/json; charset=utf-16' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'a body where there is none',
      () => call('/v1/generations/gen-x/cancel', { method: 'POST', body: { force: true } }),
      400,
      'INVALID_REQUEST',
    ],
    ['a parameter named "__proto__"', () => call('/v1/rules?__proto__=1'), 400, 'INVALID_QUERY'],
    ['a malformed number', () => post({ ...request, limits: { attempts: '5' } }), 400, 'INVALID_REQUEST'],
    ['an unknown engine', () => post({ ...request, engine: 'perl' }), 400, 'INVALID_REQUEST'],
    [
      'a language that is no name',
      () => post({ ...request, language: 'x'.repeat(41) }),
      400,
      'INVALID_REQUEST',
    ],
    [
      'a case that is too large',
      () => withCase({ 'a.ts': 'x'.repeat(1024 * 1024 + 1) }),
      400,
      'INVALID_REQUEST',
    ],
    [
      'a case of too many files',
      () => withCase(Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`${n}.ts`, '']))),
      400,
      'INVALID_REQUEST',
    ],
    [
      'too many cases',
      () =>
        post({
          ...request,
          cases: Array.from({ length: 201 }, (_, n) => caseOf(`c${n}`, { 'a.ts': `${n}` })),
        }),
      400,
      'INVALID_REQUEST',
    ],
    [
      'a prompt that is too long',
      () => post({ ...request, prompt: 'x'.repeat(8_001) }),
      400,
      'INVALID_REQUEST',
    ],
    ['a path with a control character', () => withCase({ 'a\u0000b': '' }), 400, 'INVALID_REQUEST'],
    ['a path that is too deep', () => withCase({ [`${'d/'.repeat(16)}a`]: '' }), 400, 'INVALID_REQUEST'],
    ['a file that is a folder', () => withCase({ a: '', 'a/b': '' }), 400, 'INVALID_REQUEST'],
    ['text that is no Unicode', () => withCase({ a: '\ud800' }), 400, 'INVALID_REQUEST'],
    [
      'another media type',
      () => post(request, { 'content-type': 'text/plain' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'a body that is too large',
      () => post(JSON.stringify({ prompt: 'x'.repeat(9 * 1024 * 1024) })),
      413,
      'BODY_TOO_LARGE',
    ],
    ['an unknown route', () => call('/v2/x'), 404, 'NOT_FOUND'],
    ['an unknown generation', () => call('/v1/generations/gen-00000000000000000000000000'), 404, 'NOT_FOUND'],
    ['an id that is a path', () => call('/v1/generations/..%2f..%2fkeys'), 404, 'NOT_FOUND'],
    [
      'a method that is not allowed',
      () => call('/v1/generations', { method: 'DELETE' }),
      405,
      'METHOD_NOT_ALLOWED',
    ],
    ['an unknown status filter', () => call('/v1/generations?status=dead'), 400, 'INVALID_QUERY'],
    ['an unknown parameter', () => call('/v1/generations?sort=up'), 400, 'INVALID_QUERY'],
    ['a parameter given twice', () => call('/v1/generations?limit=1&limit=2'), 400, 'INVALID_QUERY'],
    ['a limit that is no number', () => call('/v1/generations?limit=x'), 400, 'INVALID_QUERY'],
    ['a parameter where there is none', () => call('/v1/keys?x=1'), 400, 'INVALID_QUERY'],
    ['an unknown rule', () => call('/v1/rules/rule-x'), 404, 'NOT_FOUND'],
  ])('%s', async (_name, send, status, code) => {
    const before = await countRows('generations');
    const answer = await send();
    expect(answer).toMatchObject({ status, body: { ok: false, code } });
    expect(typeof (answer.body as { message: unknown }).message).toBe('string');
    expect(await countRows('generations')).toBe(before);
  });

  test('an error is not as long as what it is about, and may not be sniffed', async () => {
    const long = 'k'.repeat(1_000_000);
    for (const answer of [
      await post({ ...request, [long]: 1 }),
      await withCase({ [long]: '' }),
      await call(`/v1/rules?${long.slice(0, 5_000)}=1`),
      await call(`/v1/rules?${long.slice(0, 5_000)}&${long.slice(0, 5_000)}`),
      await call(`/v1/rules/${long.slice(0, 5_000)}`),
      await call('/v2/x'),
    ]) {
      expect(answer.text.length).toBeLessThan(2_000);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('an empty object, or nothing, is no body', async () => {
    for (const body of [undefined, {}]) {
      const answer = await call('/v1/generations/gen-x/cancel', { method: 'POST', body });
      expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
  });

  test('the details name every field that is wrong', async () => {
    const { body } = await post({ prompt: '', cases: [] });
    expect((body.details as { path: string }[]).map((one) => one.path)).toEqual(
      expect.arrayContaining(['prompt', 'cases']),
    );
  });
});

describe('a broken configuration stops everything with the names of what is wrong', () => {
  const serve = async (change: Record<string, unknown>, path = '/v1/generations') => {
    const bindings = { ...env, ...change } as Bindings;
    const response = await app.request(
      path,
      {
        method: 'POST',
        body: JSON.stringify(request),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${inject('tokens').first}` },
      },
      bindings,
    );
    return { status: response.status, body: (await response.json()) as { code: string; message: string } };
  };

  test.each([
    ['SIGNING_KEY', undefined, 'SIGNING_KEY is missing'],
    ['SIGNING_KEY', 'nonsense', 'SIGNING_KEY is not an Ed25519 PKCS#8 key'],
    ['API_TOKENS', undefined, 'API_TOKENS is missing'],
    ['API_TOKENS', '', 'API_TOKENS is missing'],
    ['API_TOKENS', 'first=abc', 'API_TOKENS is malformed'],
    ['ANTHROPIC_API_KEY', undefined, 'ANTHROPIC_API_KEY is missing'],
    ['ANTHROPIC_BASE_URL', 'ftp://x', 'ANTHROPIC_BASE_URL is malformed'],
    ['MODEL', undefined, 'MODEL is missing'],
    ['MODEL_MAX_TOKENS', '32k', 'MODEL_MAX_TOKENS is malformed'],
    ['MODEL_MAX_TOKENS', '-1', 'MODEL_MAX_TOKENS is malformed'],
    ['MODEL_PRICES', '{', 'MODEL_PRICES is malformed'],
    ['MODEL_PRICES', '{"m":{"inputUsdPerMTok":-1}}', 'MODEL_PRICES is malformed'],
    ['WAKE_AFTER_MS', 'soon', 'WAKE_AFTER_MS is malformed'],
    ['RETENTION_DAYS', '0', 'RETENTION_DAYS is malformed'],
    ['EVENT_RETENTION_DAYS', 'never', 'EVENT_RETENTION_DAYS is malformed'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL is malformed'],
    ['SANDBOX', 'none', 'SANDBOX is malformed'],
    ['SANDBOX', 'host,host', 'SANDBOX is malformed'],
    ['SANDBOX', 'host,isolate', 'ISOLATE_BUILD_ID is missing'],
    ['SANDBOX_AGREEMENT', 'maybe', 'SANDBOX_AGREEMENT is malformed'],
    ['SANDBOX_HOST_URL', undefined, 'SANDBOX_HOST_URL is missing'],
    ['SANDBOX_HOST_TOKEN', undefined, 'SANDBOX_HOST_TOKEN is missing'],
    ['SANDBOX_BUILD_ID', undefined, 'SANDBOX_BUILD_ID is missing'],
    ['SANDBOX_BUILD_ID', 'a b', 'SANDBOX_BUILD_ID is malformed'],
    ['DB', undefined, 'DB binding is missing'],
    ['BUCKET', undefined, 'BUCKET binding is missing'],
    ['GENERATE_RULE', undefined, 'GENERATE_RULE binding is missing'],
    ['READ_LIMIT', undefined, 'READ_LIMIT binding is missing'],
    ['CREATE_LIMIT', undefined, 'CREATE_LIMIT binding is missing'],
    ['AUTH_LIMIT', undefined, 'AUTH_LIMIT binding is missing'],
    ['MODELS', 'a,,b', 'MODELS is malformed'],
    ['DELIVER_WEBHOOK', undefined, 'DELIVER_WEBHOOK binding is missing'],
    ['WEBHOOK_SECRET', 'short', 'WEBHOOK_SECRET is malformed'],
    ['WEBHOOK_ALLOW_PRIVATE', 'yes', 'WEBHOOK_ALLOW_PRIVATE is malformed'],
    ['WEBHOOK_RETRY_DELAYS_MS', '5,soon', 'WEBHOOK_RETRY_DELAYS_MS is malformed'],
    ['WEBHOOK_TIMEOUT_MS', '99', 'WEBHOOK_TIMEOUT_MS is malformed'],
  ])('%s = %j', async (name, value, message) => {
    const before = await countRows('generations');
    for (const path of ['/v1/generations', '/healthz']) {
      const answer = await serve({ [name]: value }, path);
      expect(answer).toMatchObject({ status: 503, body: { code: 'CONFIG_INVALID' } });
      expect(answer.body.message).toContain(message);
    }
    expect(await countRows('generations')).toBe(before);
  });

  test('no value of a setting is ever in the message', async () => {
    const { body } = await serve({ SIGNING_KEY: 'hunter2hunter2', API_TOKENS: 'hunter2' });
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  test('several problems are named at once', async () => {
    const { body } = await serve({ SIGNING_KEY: undefined, MODEL: undefined });
    expect(body.message).toMatch(/MODEL is missing.*SIGNING_KEY is missing/);
  });

  test('a cost limit without a known price is refused', async () => {
    const { body } = await serve({ MODEL_PRICES: '{}' });
    expect(body.code).not.toBe('CONFIG_INVALID');
    const bindings = { ...env, MODEL_PRICES: '{}' } as Bindings;
    const response = await app.request(
      '/v1/generations',
      {
        method: 'POST',
        body: JSON.stringify({ ...request, limits: { costUsd: 1 } }),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${inject('tokens').first}` },
      },
      bindings,
    );
    expect(await response.json()).toMatchObject({ code: 'COST_LIMIT_NEEDS_PRICE' });
  });
});

describe('organisations', () => {
  test('one cannot see, follow or cancel what another made', async () => {
    const { id } = await create('good');
    const ended = await untilEnded(id);
    const token = inject('tokens').second;
    for (const path of [
      `/v1/generations/${id}`,
      `/v1/generations/${id}/events`,
      `/v1/rules/${ended.ruleId}`,
      `/v1/rules/${ended.ruleId}/bundle`,
    ]) {
      expect((await call(path, { token })).status, path).toBe(404);
    }
    expect((await call(`/v1/generations/${id}/cancel`, { token, method: 'POST' })).status).toBe(404);
    expect((await call<{ generations: unknown[] }>('/v1/generations', { token })).body.generations).toEqual(
      [],
    );
    expect((await call<{ rules: unknown[] }>('/v1/rules', { token })).body.rules).toEqual([]);
  });
});

test('lists page by cursor, newest first, and filter by status', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) ids.unshift((await run('refusal')).id);
  type Page = { generations: { id: string }[]; nextCursor: string | null };
  const first = (await call<Page>('/v1/generations?status=failed&limit=2')).body;
  expect(first.generations.map((one) => one.id)).toEqual(ids.slice(0, 2));
  const second = (await call<Page>(`/v1/generations?status=failed&limit=2&cursor=${first.nextCursor}`)).body;
  expect(second.generations.map((one) => one.id)).toEqual(ids.slice(2));
  expect(second.nextCursor).toBeNull();
});
