/** Budgets: whose they are, what counts, and what is answered when one is spent. */
import { env } from 'cloudflare:workers';
import { describe, expect, inject, test } from 'vitest';
import { app } from '../../src/api/app.ts';
import type { Bindings } from '../../src/env.ts';
import { call, countRows } from './client.ts';

/** A counter that lets `most` through for each key. */
function limiter(most: number) {
  const counts = new Map<string, number>();
  return {
    counts,
    limit: ({ key }: { key: string }) => {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return Promise.resolve({ success: count <= most });
    },
  };
}

const limits = (read: number, create: number, auth: number) => ({
  READ_LIMIT: limiter(read),
  CREATE_LIMIT: limiter(create),
  AUTH_LIMIT: limiter(auth),
});

async function ask(
  bindings: object,
  path: string,
  token: string | null = inject('tokens').first,
  init: RequestInit = {},
) {
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    'cf-connecting-ip': '192.0.2.1',
  };
  const response = await app.request(path, { headers, ...init }, { ...env, ...bindings } as Bindings);
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: (await response.json()) as { code: string; message: string },
  };
}

describe('a budget that is spent', () => {
  test('answers 429 with the time to wait, for that organisation alone', async () => {
    const bindings = limits(2, 9, 9);
    for (let n = 0; n < 2; n += 1) expect((await ask(bindings, '/v1/rules')).status).toBe(200);
    expect(await ask(bindings, '/v1/rules')).toMatchObject({
      status: 429,
      retryAfter: '60',
      body: { ok: false, code: 'RATE_LIMITED' },
    });
    expect((await ask(bindings, '/v1/rules', inject('tokens').second)).status).toBe(200);
  });

  test('of creations leaves reads alone; nothing is read or made for a call beyond it', async () => {
    const bindings = limits(9, 0, 9);
    const before = await countRows('generations');
    const init = { method: 'POST', body: '{' };
    const path = '/v1/generations';
    const headers = { authorization: `Bearer ${inject('tokens').first}`, 'content-type': 'application/json' };
    expect(await ask(bindings, path, undefined, { ...init, headers })).toMatchObject({ status: 429 });
    expect((await ask(bindings, path)).status).toBe(200);
    expect(await countRows('generations')).toBe(before);
  });

  test('of an address without a valid token says the same whatever was wrong with it', async () => {
    const bindings = limits(9, 9, 2);
    const answers = [];
    for (const token of [null, 'wrong', null, 'wrong']) {
      answers.push(await ask(bindings, '/v1/generations', token));
    }
    expect(answers.map((one) => one.status)).toEqual([401, 401, 429, 429]);
    expect(answers[2]).toEqual(answers[3]);
    expect([...bindings.AUTH_LIMIT.counts]).toEqual([['192.0.2.1', 4]]);
    expect((await ask(bindings, '/v1/generations')).status).toBe(200);
  });
});

test('public routes have no budget', async () => {
  const bindings = limits(0, 0, 0);
  for (const path of ['/healthz', '/v1/keys', '/openapi.json']) {
    expect((await ask(bindings, path, null)).status, path).toBe(200);
  }
});

test('a counter that fails lets through', async () => {
  const READ_LIMIT = { limit: () => Promise.reject(new Error('gone')) };
  expect((await ask({ READ_LIMIT }, '/v1/rules')).status).toBe(200);
});

test('the counters of the platform are bound, and answer', async () => {
  const { READ_LIMIT } = env as unknown as { READ_LIMIT: RateLimit };
  expect(await READ_LIMIT.limit({ key: crypto.randomUUID() })).toEqual({ success: true });
  expect((await call('/v1/rules')).status).toBe(200);
});
