/** The end of a batch is told, each time it ends; those of its items where they ask for it. */
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { beforeAll, expect, inject, test } from 'vitest';
import type { Bindings } from '../../src/env.ts';
import { batchEnded, type Delivery, generationEnded } from '../../src/schema/webhooks.ts';
import { wakeDeliveries } from '../../src/workflows/wake-deliveries.ts';
import type { ReceivedWebhook } from '../support/webhook-receiver.ts';
import { act, asks, post, start, untilDone } from './batch-client.ts';
import { call } from './client.ts';

const receiver = inject('receiver');
let webhook: Webhook;

function box() {
  const name = crypto.randomUUID().replaceAll('-', '');
  const url = `${receiver}/200/${name}`;
  const received = async (count: number): Promise<ReceivedWebhook[]> => {
    for (let tries = 0; tries < 400; tries += 1) {
      const got = (await (await fetch(`${receiver}/box/${name}`)).json()) as ReceivedWebhook[];
      if (got.length >= count) return got;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no ${count} webhooks came`);
  };
  return { url, received };
}

const open = ({ body, headers }: ReceivedWebhook) => batchEnded.parse(webhook.verify(body, headers));

beforeAll(async () => {
  const made = await call<{ secret: string }>('/v1/webhooks/secrets', { method: 'POST' });
  webhook = new Webhook(made.body.secret);
});

test('a batch tells when it is done, and again when what failed was tried again', async () => {
  const { url, received } = box();
  const item = box();
  const good = { ...asks('good'), callbackUrl: item.url };
  const batch = await start({
    mode: 'regenerate',
    name: 'nightly',
    requests: [good, asks('refusal')],
    callbackUrl: url,
  });
  const done = await untilDone(batch.id);
  const [first] = await received(1);
  if (first === undefined) throw new Error('nothing came');
  expect(open(first)).toEqual({
    type: 'batch.ended',
    timestamp: done.endedAt,
    data: {
      batchId: batch.id,
      status: 'done',
      reason: { code: 'DONE' },
      name: 'nightly',
      mode: 'regenerate',
      items: { signed: 1, failed: 1, errored: 0, cancelled: 0, underWay: 0 },
    },
  });
  const [told] = await item.received(1);
  const ofItem = generationEnded.parse(webhook.verify(told?.body ?? '', told?.headers ?? {}));
  expect(ofItem).toMatchObject({ type: 'generation.signed', data: { batchId: batch.id } });

  await act(batch.id, 'retry-failed');
  await untilDone(batch.id);
  const [, second] = await received(2);
  if (second === undefined) throw new Error('it came once');
  expect(open(second).data).toEqual(open(first).data);
  expect(second.headers['webhook-id']).not.toBe(first.headers['webhook-id']);
  const listed = await call<{ deliveries: Delivery[]; nextCursor: string }>(
    `/v1/deliveries?batch=${batch.id}`,
  );
  expect(listed.body.deliveries.map((one) => [one.event, one.subject])).toEqual([
    ['batch.ended', { kind: 'batch', id: batch.id }],
    ['batch.ended', { kind: 'batch', id: batch.id }],
  ]);
  const cursor = listed.body.deliveries[0]?.id ?? '';
  const rest = await call<{ deliveries: Delivery[] }>(`/v1/deliveries?batch=${batch.id}&cursor=${cursor}`);
  expect(rest.body.deliveries).toHaveLength(1);
});

test('a cancelled batch tells once, however often it is cancelled', async () => {
  const { url, received } = box();
  const batch = await start({
    mode: 'regenerate',
    requests: [asks('slow'), asks('slow')],
    concurrency: 1,
    callbackUrl: url,
  });
  await act(batch.id, 'cancel');
  await act(batch.id, 'cancel');
  const [first] = await received(1);
  expect(open(first ?? ({} as ReceivedWebhook))).toMatchObject({
    data: { status: 'cancelled', reason: { code: 'CANCELLED' }, items: { signed: 0 } },
  });
  await wakeDeliveries(env as Bindings, new Date(Date.now() + 3_600_000));
  expect(await received(1)).toHaveLength(1);
});

test.each([
  ['of the batch', { requests: [asks('good')], callbackUrl: 'ftp://example.com/' }],
  ['of an item', { requests: [{ ...asks('good'), callbackUrl: 'https://u:p@example.com/' }] }],
])('a callback URL that is none is refused, %s', async (_which, body) => {
  expect(await post({ mode: 'regenerate', ...body })).toMatchObject({
    status: 400,
    body: { code: 'INVALID_REQUEST' },
  });
});
