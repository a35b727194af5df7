/**
 * Hostile requests against every route, in process. More of them, over real connections, with what only those
 * can carry: `npm run fuzz`.
 */
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, inject, test } from 'vitest';
import { app } from '../../../src/api/app.ts';
import { ROUTES } from '../../../src/api/routes.ts';
import type { Bindings } from '../../../src/env.ts';
import { type HostileRequest, hostileRequest } from '../../support/fuzz/hostile-request.ts';
import { faultsOf } from '../../support/fuzz/judge.ts';
import { Summary } from '../../support/fuzz/summary.ts';
import { makeWorld } from '../../support/fuzz/world.ts';
import { call } from '../client.ts';
import { stateOf } from './state.ts';

const SEED = 20_261_121;
const REQUESTS = 2_000;
const AT_ONCE = 8;
const ORIGIN = 'http://assay.test';

/** The platform's counters are not what is tested here, and count thousands of calls slowly. */
const unlimited = { limit: () => Promise.resolve({ success: true }) };
const bindings = {
  ...env,
  READ_LIMIT: unlimited,
  CREATE_LIMIT: unlimited,
  AUTH_LIMIT: unlimited,
} as Bindings;

/** `null`: a client library cannot send it. */
function toRequest({ method, target, headers, body, wire }: HostileRequest): Request | null {
  const plain = headers.every(([, value]) => /^[\u0000-\u007f]*$/.test(value));
  if (wire || !plain) return null;
  try {
    return new Request(`${ORIGIN}${target}`, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body: body === null || ['GET', 'HEAD'].includes(method.toUpperCase()) ? null : body,
    });
  } catch {
    return null;
  }
}

test('thousands of hostile requests: no 5xx, no change, nothing of another organisation', async () => {
  const ask: Parameters<typeof makeWorld>[0] = (method, path, token, body, headers) =>
    call(path, { method, token, body, ...(headers === undefined ? {} : { headers }) });
  const world = await makeWorld(ask, inject('tokens'));
  const before = await stateOf(env.DB, env.BUCKET);
  const summary = new Summary();
  const decoder = new TextDecoder();
  let next = 0;
  const send = async () => {
    while (next < REQUESTS) {
      const request = hostileRequest(ROUTES, world, SEED, next);
      next += 1;
      const prepared = toRequest(request);
      if (prepared === null) continue;
      const answer = await app.fetch(prepared, bindings, createExecutionContext());
      const { status, headers } = answer;
      const text = decoder.decode(await answer.arrayBuffer());
      summary.add(request, status, faultsOf(request, { status, headers, text }, ROUTES, world));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  const said = `${summary.sent} requests: ${summary.statuses()}`;
  expect(summary.faults(), said).toEqual([]);
  expect(await stateOf(env.DB, env.BUCKET), said).toEqual(before);
  // It reached what it is about: answers of every kind, most of them refusals.
  expect(summary.sent, said).toBeGreaterThan(REQUESTS * 0.85);
  for (const status of [200, 400, 401, 403, 404, 405, 413, 415]) {
    expect(summary.count(status), `${status}; ${said}`).toBeGreaterThan(0);
  }
}, 300_000);
