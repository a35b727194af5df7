/** A body that is refused is read to its end all the same, so that who sends it can read why; up to a size. */
import { env } from 'cloudflare:workers';
import { expect, inject, test } from 'vitest';
import { app } from '../../src/api/app.ts';
import { MAX_DRAINED_BYTES } from '../../src/api/drain.ts';
import type { Bindings } from '../../src/env.ts';

const PART_BYTES = 64 * 1024;

/** A JSON text that comes in parts, and how much of it was asked for. */
function slowBody(parts: number) {
  const seen = { parts: 0, cancelled: false };
  const body = new ReadableStream({
    pull: (controller) => {
      if (seen.parts === parts) return controller.close();
      seen.parts += 1;
      controller.enqueue(new Uint8Array(PART_BYTES).fill(0x20));
    },
    cancel: () => {
      seen.cancelled = true;
    },
  });
  return { seen, body };
}

async function send(path: string, body: ReadableStream, headers: Record<string, string> = {}) {
  const { first } = inject('tokens');
  const all = { authorization: `Bearer ${first}`, 'content-type': 'application/json', ...headers };
  const response = await app.request(path, { method: 'POST', headers: all, body }, env as Bindings);
  return response.status;
}

test.each<[string, number, string, Record<string, string>]>([
  ['too large', 413, '/v1/tokens', {}],
  ['of another type', 415, '/v1/tokens', { 'content-type': 'text/plain' }],
  ['from a stranger', 401, '/v1/tokens', { authorization: 'Bearer wrong' }],
  ['to nowhere', 404, '/v1/nothing', {}],
  ['by a wrong method', 405, '/healthz', {}],
])('a body %s is answered %i after its last byte', async (_what, status, path, headers) => {
  const { seen, body } = slowBody(20);
  expect(await send(path, body, headers)).toBe(status);
  expect(seen).toEqual({ parts: 20, cancelled: false });
});

test('a body without end is not', async () => {
  const { seen, body } = slowBody(10_000);
  expect(await send('/v1/tokens', body)).toBe(413);
  expect(seen.parts * PART_BYTES).toBeGreaterThan(MAX_DRAINED_BYTES);
  expect(seen.parts * PART_BYTES).toBeLessThan(2 * MAX_DRAINED_BYTES);
});

test('a body that stops coming is not waited for', async () => {
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
  expect(await send('/v1/nothing', body)).toBe(404);
});
