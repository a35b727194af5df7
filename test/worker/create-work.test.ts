/** What making a generation asks of the stores: each round trip is time that the caller waits. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { expect, inject, test } from 'vitest';
import { app } from '../../src/api/app.ts';
import { request } from '../support/rule.ts';
import { untilEnded } from './client.ts';
import { notedBindings } from './noted-bindings.ts';

/** Calls that leave the Worker; preparing and binding a statement does not. */
const leaves = (line: string) => !/(prepare|bind) \S/.test(line);

interface Work {
  readonly status: number;
  /** Calls until the answer, in their order. */
  readonly waitedFor: readonly string[];
  readonly instances: number;
}

const INSTANCE = 'GENERATE_RULE.create';

async function create(headers: Record<string, string>): Promise<Work> {
  const { bindings, noted } = notedBindings();
  const calls = () => noted.filter(leaves).map((line) => line.split(' ')[0] ?? '');
  const init = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${inject('tokens').first}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({ ...request, prompt: 'No eval [[refusal]]' }),
  };
  const context = createExecutionContext();
  const answer = await app.request('/v1/generations', init, bindings, context);
  // Nobody waits for the instance; whether it is asked for just before the answer or after is not said.
  const waitedFor = calls().filter((one) => one !== INSTANCE);
  const { id } = await answer.json<{ id: string }>();
  await waitOnExecutionContext(context);
  const instances = calls().filter((one) => one === INSTANCE).length;
  await untilEnded(id);
  return { status: answer.status, waitedFor, instances };
}

test('one look for the token, one object, one row; nobody waits for the instance', async () => {
  expect(await create({})).toEqual({
    status: 202,
    waitedFor: ['DB.prepare.bind.first', 'CREATE_LIMIT.limit', 'BUCKET.put', 'DB.prepare.bind.first'],
    instances: 1,
  });
});

test('with a key one look for the key more, and the row and the key at once', async () => {
  const key = { 'idempotency-key': crypto.randomUUID() };
  expect(await create(key)).toEqual({
    status: 202,
    waitedFor: [
      'DB.prepare.bind.first',
      'CREATE_LIMIT.limit',
      'DB.prepare.bind.first',
      'BUCKET.put',
      'DB.batch',
    ],
    instances: 1,
  });
});
