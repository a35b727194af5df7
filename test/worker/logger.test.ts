/** What the service writes to its log while it works, and what never gets there. */

import { describe, expect, inject, test } from 'vitest';
import { call, run } from './client.ts';
import { SELF_LOG } from './log-lines.ts';

describe('a run', () => {
  test('has a line for every step and every call, with ids and durations, and nothing of its content', async () => {
    // The level is set with the configuration, which is read by whoever needs it first.
    await run('good');
    const lines = await SELF_LOG.during(async () => {
      const generation = await run('silent, good');
      await call(`/v1/generations/${generation.id}?secret=${'x'.repeat(20)}`);
      await call('/v1/nowhere/assay_0123456789abcdef', { headers: { 'x-request-id': 'mine-1' } });
      return generation.id;
    });
    const id = lines.result;
    const steps = lines.parsed.filter((line) => line.event === 'step_done' && line.generation === id);
    expect(steps.map((line) => line.step)).toEqual([
      'accept',
      'classify',
      'prepare',
      'generate 1',
      'inspect 1',
      'verify 1.1',
      'judge 1',
      'generate 2',
      'inspect 2',
      'verify 2.1',
      'judge 2',
      'sign',
      'log',
      'publish',
    ]);
    for (const line of steps) {
      expect(line).toEqual({
        level: 'info',
        event: 'step_done',
        generation: id,
        org: 'first',
        step: expect.any(String),
        stepAttempt: 1,
        durationMs: expect.any(Number),
      });
    }
    const calls = lines.parsed.filter((line) => line.event === 'request');
    expect(calls[0]).toEqual({
      level: 'info',
      event: 'request',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      method: 'POST',
      route: '/v1/generations',
      status: 202,
      durationMs: expect.any(Number),
      org: 'first',
    });
    expect(calls.slice(-2)).toMatchObject([
      { route: '/v1/generations/:id', status: 400, code: 'INVALID_QUERY' },
      { route: 'none', status: 404, code: 'NOT_FOUND', requestId: 'mine-1' },
    ]);
    // The prompt, the sources, the reply; the token, the keys, what was in the path and the query.
    const { first } = inject('tokens');
    const secrets = [
      'No eval anywhere',
      'eval(',
      'pattern:',
      first,
      'xxxxxxxx',
      'nowhere',
      '0123456789abcdef',
    ];
    const bindings = inject('bindings');
    for (const name of ['SIGNING_KEY', 'LOG_KEY', 'SANDBOX_HOST_TOKEN']) secrets.push(bindings[name] ?? name);
    for (const secret of secrets) expect(lines.text).not.toContain(secret);
  });
});

test('the request id of the caller is kept when it is a sane one, and is answered with errors too', async () => {
  const id = async (given: string, token?: null) =>
    (await call('/v1/rules', { token, headers: { 'x-request-id': given } })).headers.get('x-request-id');
  expect(await id('abc.DEF-1_2')).toBe('abc.DEF-1_2');
  expect(await id('abc', null)).toBe('abc');
  for (const bad of ['a b', 'x'.repeat(65), '{"a":1}']) expect(await id(bad)).toMatch(/^[0-9a-f-]{36}$/);
});
