/** Events as a stream: from the beginning, from the last one seen, and not at all when there is nothing to come. */
import { exports } from 'cloudflare:workers';
import { expect, inject, test } from 'vitest';
import type { GenerationEvent } from '../../src/schema/api.ts';
import { call, create, run } from './client.ts';

interface Sent {
  readonly id: string;
  readonly event: string;
  readonly data: GenerationEvent;
}

async function listen(id: string, headers: Record<string, string> = {}, query = '') {
  const response = await exports.default.fetch(`http://assay.test/v1/generations/${id}/events${query}`, {
    headers: {
      authorization: `Bearer ${inject('tokens').first}`,
      accept: 'text/event-stream',
      ...headers,
    },
  });
  const text = await response.text();
  const sent = text
    .split('\n\n')
    .filter((block) => block.includes('data:'))
    .map((block): Sent => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) };
    });
  return { status: response.status, type: response.headers.get('content-type'), sent, text };
}

test('a stream from the beginning has every event once and ends with the generation', async () => {
  const { id } = await create('silent, good');
  const { status, type, sent } = await listen(id);
  expect([status, type]).toEqual([200, 'text/event-stream']);
  const { body } = await call<{ events: GenerationEvent[] }>(`/v1/generations/${id}/events`);
  expect(sent.map((one) => one.data)).toEqual(body.events);
  expect(sent.map((one) => one.id)).toEqual(body.events.map((one) => String(one.seq)));
  expect(sent.map((one) => one.event)).toEqual(body.events.map((one) => one.type));
  expect(sent.at(-1)?.event).toBe('ended');
});

test('it resumes after the last event seen; the header counts before the query', async () => {
  const { id } = await run('good');
  const all = (await listen(id)).sent.map((one) => one.id);
  const last = all[2] ?? '';
  expect((await listen(id, { 'last-event-id': last })).sent.map((one) => one.id)).toEqual(all.slice(3));
  expect((await listen(id, {}, `?after=${last}`)).sent.map((one) => one.id)).toEqual(all.slice(3));
  const both = await listen(id, { 'last-event-id': last }, '?after=0');
  expect(both.sent.map((one) => one.id)).toEqual(all.slice(3));
});

test('after the end there is nothing, so that a client does not come back for ever', async () => {
  const { id } = await run('refusal');
  const last = (await listen(id)).sent.at(-1)?.id ?? '';
  expect(await listen(id, { 'last-event-id': last })).toMatchObject({ status: 204, text: '' });
});

test('others get JSON as before, and bad ids a reason', async () => {
  const { id } = await run('refusal');
  const json = await call(`/v1/generations/${id}/events`, { headers: { accept: 'application/json' } });
  expect(json.headers.get('content-type')).toContain('application/json');
  const headers = { accept: 'text/event-stream' };
  for (const lastId of ['x', '-1', '1e3', '9'.repeat(16)]) {
    const path = `/v1/generations/${id}/events`;
    expect(await call(path, { headers: { ...headers, 'last-event-id': lastId } })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_QUERY' },
    });
  }
  const other = await call(`/v1/generations/${id}/events`, { headers, token: inject('tokens').second });
  expect(other).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
});
