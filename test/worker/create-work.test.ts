/** What making a generation asks of the stores: each round trip is time that the caller waits. */
import { createExecutionContext } from 'cloudflare:test';
import { expect, inject, test } from 'vitest';
import { app } from '../../src/api/app.ts';
import { request } from '../support/rule.ts';
import { untilEnded } from './client.ts';
import { notedBindings } from './noted-bindings.ts';

/** Calls that leave the Worker; preparing and binding a statement does not. */
const leaves = (line: string) => !/(prepare|bind) \S/.test(line);

async function create(headers: Record<string, string>): Promise<{ status: number; asked: string[] }> {
  const { bindings, noted } = notedBindings();
  const init = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${inject('tokens').first}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({ ...request, prompt: 'No eval [[refusal]]' }),
  };
  const answer = await app.request('/v1/generations', init, bindings, createExecutionContext());
  const { id } = await answer.json<{ id: string }>();
  const asked = noted.filter(leaves).map((line) => line.split(' ')[0] ?? '');
  await untilEnded(id);
  return { status: answer.status, asked };
}

test('one look for the token, one object, one row, one instance', async () => {
  expect(await create({})).toEqual({
    status: 202,
    asked: [
      'DB.prepare.bind.first',
      'CREATE_LIMIT.limit',
      'BUCKET.put',
      'DB.prepare.bind.first',
      'GENERATE_RULE.create',
    ],
  });
});

test('with a key one look for the key more, and the row and the key at once', async () => {
  const key = { 'idempotency-key': crypto.randomUUID() };
  expect(await create(key)).toEqual({
    status: 202,
    asked: [
      'DB.prepare.bind.first',
      'CREATE_LIMIT.limit',
      'DB.prepare.bind.first',
      'BUCKET.put',
      'DB.batch',
      'GENERATE_RULE.create',
    ],
  });
});
