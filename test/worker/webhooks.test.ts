/** Webhooks from the end of a generation to a real receiver on loopback, verified by somebody else's library. */
import { introspectWorkflow } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { app } from '../../src/api/app.ts';
import type { Bindings } from '../../src/env.ts';
import type { Generation, GenerationDetail } from '../../src/schema/api.ts';
import {
  type Delivery,
  type DeliveryDetail,
  type GenerationEnded,
  generationEnded,
  type WebhookSecret,
} from '../../src/schema/webhooks.ts';
import { deliverWebhook } from '../../src/steps/deliver-webhook.ts';
import { deliveryIdOf } from '../../src/store/outbox.ts';
import { openStore } from '../../src/store/store.ts';
import { instanceIdOf, startEnd } from '../../src/webhooks/start.ts';
import { openDeliveryDeps } from '../../src/workflows/deps.ts';
import { wakeDeliveries } from '../../src/workflows/wake-deliveries.ts';
import { request } from '../support/rule.ts';
import type { ReceivedWebhook } from '../support/webhook-receiver.ts';
import { call, create, run, untilEnded } from './client.ts';
import { generationRow } from './rows.ts';

type Created = WebhookSecret & { secret: string };

const store = () => openStore(env.DB, env.BUCKET);
const receiver = inject('receiver');
let secret: Created;

/** A URL whose receiver gives these answers in turn, and where what it got is read. */
function box(answers: string) {
  const name = crypto.randomUUID().replaceAll('-', '');
  const read = async (of = name): Promise<ReceivedWebhook[]> =>
    (await fetch(`${receiver}/box/${of}`)).json() as Promise<ReceivedWebhook[]>;
  return { url: `${receiver}/${answers}/${name}`, read, moved: () => read(`${name}-moved`) };
}

async function makeSecret(token = inject('tokens').first): Promise<Created> {
  const made = await call<Created>('/v1/webhooks/secrets', { method: 'POST', token });
  expect(made.status).toBe(201);
  return made.body;
}

const revoke = (id: string) => call<WebhookSecret>(`/v1/webhooks/secrets/${id}`, { method: 'DELETE' });
const detail = async (id: string) => (await call<DeliveryDetail>(`/v1/deliveries/${id}`)).body;
const again = (id: string) => call<DeliveryDetail>(`/v1/deliveries/${id}/retry`, { method: 'POST' });

async function until(id: string, ready: (one: DeliveryDetail) => boolean): Promise<DeliveryDetail> {
  for (let tries = 0; tries < 400; tries += 1) {
    const one = await detail(id);
    if (ready(one)) return one;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`delivery ${id} did not come so far: ${JSON.stringify(await detail(id))}`);
}

const ended = (id: string) => until(id, (one) => one.status !== 'pending');

/** The end of a generation as its rows are when the process dies right after. */
async function endedOnly(url: string): Promise<string> {
  const generationId = `gen-${crypto.randomUUID().replaceAll('-', '').slice(0, 26)}`;
  const at = '2026-01-01T00:00:00.000Z';
  await store().generations.insert(generationRow(generationId, { created_at: at, callback_url: url }));
  await store().generations.end(generationId, 'failed', { code: 'X', message: 'secret words' }, at);
  return deliveryIdOf(generationId);
}

/** The end of a generation that nobody worked on, told to its end. */
async function told(url: string): Promise<DeliveryDetail> {
  const id = await endedOnly(url);
  await startEnd(env.DELIVER_WEBHOOK, store().deliveries, 'first', id);
  return ended(id);
}

function verify(secretText: string, { body, headers }: ReceivedWebhook): GenerationEnded {
  return generationEnded.parse(new Webhook(secretText).verify(body, headers));
}

beforeAll(async () => {
  secret = await makeSecret();
});

describe('the end of a generation is told once', () => {
  test('signed: with the rule and the digest of its bundle, and nothing of the request', async () => {
    const { url, read } = box('204');
    const generation = await run('good', { callbackUrl: url });
    const delivery = await ended(deliveryIdOf(generation.id));
    expect(delivery).toMatchObject({
      status: 'delivered',
      event: 'generation.signed',
      subject: { kind: 'generation', id: generation.id },
      url,
      nextAttemptAt: null,
      attempts: [{ round: 1, n: 1, status: 204, problem: null }],
    });
    const got = await read();
    expect(got).toHaveLength(1);
    const [webhook = {} as ReceivedWebhook] = got;
    expect(webhook.method).toBe('POST');
    expect(webhook.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': delivery.id,
      'webhook-timestamp': expect.stringMatching(/^[0-9]{10}$/),
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    });
    expect(webhook.body).toBe(delivery.body);
    const rule = await call<{ bundleSha256: string }>(`/v1/rules/${generation.ruleId}`);
    expect(verify(secret.secret, webhook)).toEqual({
      type: 'generation.signed',
      timestamp: generation.endedAt,
      data: {
        generationId: generation.id,
        status: 'signed',
        reason: { code: 'SIGNED' },
        name: generation.name,
        ruleId: generation.ruleId,
        bundleSha256: rule.body.bundleSha256,
        retryOf: null,
        batchId: null,
      },
    });
    expect(JSON.stringify(webhook)).not.toMatch(/No eval anywhere|JSON\.parse|eval\(/);
  });

  test.each([
    ['refusal', 'generation.failed', 'MODEL_REFUSED'],
    ['badkey', 'generation.errored', 'MODEL_UNAUTHORIZED'],
  ])('%s: %s, without a rule', async (word, type, code) => {
    const { url, read } = box('200');
    const { id } = await run(word, { callbackUrl: url });
    await ended(deliveryIdOf(id));
    const [webhook = {} as ReceivedWebhook] = await read();
    expect(verify(secret.secret, webhook)).toMatchObject({
      type,
      data: { generationId: id, reason: { code }, ruleId: null, bundleSha256: null },
    });
  });

  test('cancelled, by whom it was cancelled', async () => {
    const { url, read } = box('200');
    const { id } = await create('slow', { callbackUrl: url });
    await call(`/v1/generations/${id}/cancel`, { method: 'POST' });
    await call(`/v1/generations/${id}/cancel`, { method: 'POST' });
    expect(await ended(deliveryIdOf(id))).toMatchObject({ event: 'generation.cancelled' });
    expect(await read()).toHaveLength(1);
  });

  test('a retry tells where it comes from, at the same place', async () => {
    const { url, read } = box('200');
    const first = await run('refusal', { callbackUrl: url });
    const retry = await call<Generation>(`/v1/generations/${first.id}/retry`, { method: 'POST' });
    await untilEnded(retry.body.id);
    await ended(deliveryIdOf(retry.body.id));
    const told = (await read()).map((one) => verify(secret.secret, one).data);
    expect(told).toMatchObject([
      { generationId: first.id, retryOf: null },
      { generationId: retry.body.id, retryOf: first.id },
    ]);
  });

  test('is forgotten with the generation that is deleted', async () => {
    const { url, read } = box('500-200');
    const id = await endedOnly(url);
    const job = { deliveryId: id, orgId: 'first', round: 1 };
    const deps = await openDeliveryDeps(env as Bindings);
    await deliverWebhook(job, 1, deps);
    const erased = await call(`/v1/generations/${id.replace('dlv', 'gen')}`, { method: 'DELETE' });
    expect(erased.status).toBe(200);
    expect(await deliverWebhook(job, 2, deps)).toEqual({ waitMs: null });
    expect(await read()).toHaveLength(1);
    expect((await call(`/v1/deliveries/${id}`)).status).toBe(404);
    const rows = ['deliveries', 'delivery_attempts', 'generations'].map((name) =>
      env.DB.prepare(`SELECT * FROM ${name}`).all(),
    );
    expect(JSON.stringify(await Promise.all(rows))).not.toContain(url);
  });

  test('nobody is told where nobody asked', async () => {
    const { id } = await run('refusal');
    expect((await call(`/v1/deliveries/${deliveryIdOf(id)}`)).status).toBe(404);
  });

  test('ending twice, and publishing what has ended, tells once', async () => {
    const { url } = box('200');
    const id = await endedOnly(url);
    const generationId = id.replace('dlv', 'gen');
    const before = await store().deliveries.find('first', id);
    await store().generations.end(
      generationId,
      'errored',
      { code: 'Y', message: '' },
      '2026-02-02T00:00:00Z',
    );
    await store().rules.publish(
      {
        id: id.replace('dlv', 'rule'),
        org_id: 'first',
        generation_id: generationId,
        name: 'n',
        summary: '',
        bundle_sha256: '',
        key_id: '',
        published_at: '2026-02-02T00:00:00Z',
        model: null,
        check_envelope: null,
        engine_version: null,
        node_version: null,
      },
      { code: 'SIGNED', message: '' },
    );
    expect(await store().deliveries.find('first', id)).toEqual(before);
    expect(before?.body).not.toContain('secret words');
  });
});

describe('a receiver that does not take it', () => {
  test.each([
    ['an error', '500-200', [{ status: 500 }, { status: 200 }]],
    ['an error of its own', '404-200', [{ status: 404 }, { status: 200 }]],
    ['a broken connection', 'reset-200', [{ problem: 'UNREACHABLE' }, { status: 200 }]],
  ])('%s: is told again, with the same id and the same bytes', async (_what, answers, attempts) => {
    const { url, read } = box(answers);
    const delivery = await told(url);
    expect(delivery).toMatchObject({ status: 'delivered', attempts });
    const got = await read();
    expect(got).toHaveLength(2);
    expect(new Set(got.map((one) => one.body)).size).toBe(1);
    expect(new Set(got.map((one) => one.headers['webhook-id']))).toEqual(new Set([delivery.id]));
    for (const one of got) verify(secret.secret, one);
  });

  test('no answer in time: is told again', async () => {
    const { url, read } = box('hang-200');
    const id = await endedOnly(url);
    const job = { deliveryId: id, orgId: 'first', round: 1 };
    const deps = await openDeliveryDeps(env as Bindings);
    if (deps.webhooks === null) throw new Error('no webhooks');
    await deliverWebhook(job, 1, { ...deps, webhooks: { ...deps.webhooks, timeoutMs: 200 } });
    await deliverWebhook(job, 2, deps);
    const { status, attempts } = await detail(id);
    expect({ status, attempts }).toMatchObject({
      status: 'delivered',
      attempts: [{ status: null, problem: 'TIMEOUT' }, { status: 200 }],
    });
    const [first, second] = await read();
    expect(second).toMatchObject({ body: first?.body, headers: { 'webhook-id': id } });
  });

  test('is left alone when the schedule has ended, and told again when somebody asks', async () => {
    const { url, read } = box('500-500-500-500-200');
    const failed = await told(url);
    expect(failed.status).toBe('failed');
    expect(failed.attempts.map((one) => [one.round, one.n, one.status])).toEqual([
      [1, 1, 500],
      [1, 2, 500],
      [1, 3, 500],
      [1, 4, 500],
    ]);
    expect(await again(failed.id)).toMatchObject({ status: 202, body: { round: 2, endedAt: null } });
    const delivered = await ended(failed.id);
    expect(delivered.attempts.at(-1)).toMatchObject({ round: 2, n: 1, status: 200 });
    expect(new Set((await read()).map((one) => one.body)).size).toBe(1);
  });

  test('an answer without an end is not read', async () => {
    const { url } = box('endless');
    const { status, attempts } = await told(url);
    expect({ status, attempts }).toMatchObject({ status: 'delivered', attempts: [{ status: 200 }] });
  });

  test('410 ends it at once', async () => {
    const { url, read } = box('410-200');
    expect(await told(url)).toMatchObject({ status: 'gone', attempts: [{ status: 410 }] });
    expect(await read()).toHaveLength(1);
  });

  test('a redirect is not followed', async () => {
    const { url, read, moved } = box('moved');
    expect(await told(url)).toMatchObject({ status: 'failed', attempts: [{ status: 307 }, {}, {}, {}] });
    expect(await read()).toHaveLength(4);
    expect(await moved()).toEqual([]);
  });

  test('Retry-After is kept; asking now does not wait for it', async () => {
    const { url, read } = box('later-200');
    const id = await endedOnly(url);
    await startEnd(env.DELIVER_WEBHOOK, store().deliveries, 'first', id);
    const waiting = await until(id, (one) => one.attempts[0]?.status === 429);
    const inMs = Date.parse(waiting.nextAttemptAt ?? '') - Date.parse(waiting.attempts[0]?.startedAt ?? '');
    expect(waiting.status).toBe('pending');
    expect(inMs).toBeGreaterThanOrEqual(3_600_000);
    expect((await again(waiting.id)).status).toBe(202);
    expect(await ended(waiting.id)).toMatchObject({ status: 'delivered', round: 2 });
    expect(await read()).toHaveLength(2);
  });
});

describe('what a crash leaves', () => {
  const later = (ms: number) => new Date(Date.now() + ms);

  test('ended, and no instance: the sweep makes it', async () => {
    const { url, read } = box('200');
    const id = await endedOnly(url);
    const sweep = await wakeDeliveries(env as Bindings, new Date());
    expect(sweep.started).toBeGreaterThanOrEqual(1);
    expect((await ended(id)).status).toBe('delivered');
    expect(await read()).toHaveLength(1);
    await wakeDeliveries(env as Bindings, later(3_600_000));
    expect(await read()).toHaveLength(1);
  });

  test('the engine gave the instance up: another round', async () => {
    const { url, read } = box('200');
    const id = await endedOnly(url);
    const params = { deliveryId: id, orgId: 'first', round: 1 };
    {
      await using workflow = await introspectWorkflow(env.DELIVER_WEBHOOK);
      await workflow.modifyAll(async (modifier) => {
        await modifier.disableRetryDelays();
        await modifier.mockStepError({ name: 'deliver 1' }, new Error('INTERNAL: the store is away'));
      });
      const instance = await env.DELIVER_WEBHOOK.create({ id: instanceIdOf(params), params });
      for (let tries = 0; (await instance.status()).status !== 'errored' && tries < 200; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect((await instance.status()).status).toBe('errored');
      await wakeDeliveries(env as Bindings, new Date());
    }
    expect((await store().deliveries.find('first', id))?.round).toBe(2);
    await wakeDeliveries(env as Bindings, later(3_600_000));
    expect((await ended(id)).status).toBe('delivered');
    expect(await read()).toHaveLength(1);
  });

  test('the step runs twice: noted means not sent again; interrupted means sent again, the same', async () => {
    const { url, read } = box('500-200');
    const id = await endedOnly(url);
    const job = { deliveryId: id, orgId: 'first', round: 1 };
    const deps = await openDeliveryDeps(env as Bindings);
    await store().deliveries.begin({ ...job, n: 1 }, new Date().toISOString());
    const first = await deliverWebhook(job, 1, deps);
    const second = await deliverWebhook(job, 1, deps);
    expect(first.waitMs).toBeGreaterThan(0);
    expect(second.waitMs).not.toBeNull();
    expect(await read()).toHaveLength(1);
    expect(await deliverWebhook(job, 2, deps)).toEqual({ waitMs: null });
    expect(await deliverWebhook(job, 2, deps)).toEqual({ waitMs: null });
    expect((await detail(id)).attempts).toMatchObject([
      { n: 1, status: 500 },
      { n: 2, status: 200 },
    ]);
    expect(await read()).toHaveLength(2);
  });

  test('an instance of an earlier round has no more to say', async () => {
    const { url, read } = box('200');
    const id = await endedOnly(url);
    const job = { deliveryId: id, orgId: 'first', round: 1 };
    await store().deliveries.restart('first', id, 1, ['pending'], new Date().toISOString());
    expect(await deliverWebhook(job, 1, await openDeliveryDeps(env as Bindings))).toEqual({ waitMs: null });
    expect(await read()).toEqual([]);
    const turn = { ...job, n: 1 };
    const noted = { status: 200, problem: null, durationMs: 1 };
    await store().deliveries.settle(turn, noted, { status: 'delivered', nextAt: null }, '');
    expect((await detail(id)).status).toBe('pending');
  });

  test('asked for several times at once, every round that begins is worked on', async () => {
    const { url } = box('200');
    const { id } = await told(url);
    const answers = await Promise.all([again(id), again(id), again(id)]);
    expect(answers.map((one) => one.status)).toEqual([202, 202, 202]);
    const { round, attempts } = await ended(id);
    expect([...new Set(attempts.map((one) => one.round))]).toEqual(
      Array.from({ length: round }, (_, n) => n + 1),
    );
  });

  test('a second click while the first one waits for its turn begins no other round', async () => {
    const { url } = box('200');
    const id = await endedOnly(url);
    expect((await again(id)).body.round).toBe(1);
    expect((await ended(id)).status).toBe('delivered');
  });
});

describe('secrets', () => {
  test('of a rotation both sign; a revoked one signs nothing', async () => {
    const { url, read } = box('200');
    const next = await makeSecret();
    expect(next.secret).not.toBe(secret.secret);
    await told(url);
    const [both = {} as ReceivedWebhook] = await read();
    expect(both.headers['webhook-signature']?.split(' ')).toHaveLength(2);
    verify(secret.secret, both);
    verify(next.secret, both);
    expect(await call('/v1/webhooks/secrets', { method: 'POST' })).toMatchObject({
      status: 409,
      body: { code: 'TOO_MANY_SECRETS' },
    });
    const old = secret;
    expect((await revoke(old.id)).body.revokedAt).not.toBeNull();
    secret = next;
    const { url: second, read: readSecond } = box('200');
    await told(second);
    const [one = {} as ReceivedWebhook] = await readSecond();
    verify(next.secret, one);
    expect(() => verify(old.secret, one)).toThrow('No matching signature');
  });

  test('what was changed on the way does not verify', async () => {
    const { url, read } = box('200');
    await told(url);
    const [one = {} as ReceivedWebhook] = await read();
    const forged = { ...one, body: one.body.replace('failed', 'signed') };
    expect(() => verify(secret.secret, forged)).toThrow('No matching signature');
    const moved = { ...one, headers: { ...one.headers, 'webhook-id': 'dlv-x' } };
    expect(() => verify(secret.secret, moved)).toThrow('No matching signature');
  });

  test('are shown once, and are nowhere in the store', async () => {
    const listed = await call<{ secrets: WebhookSecret[] }>('/v1/webhooks/secrets');
    expect(listed.body.secrets.map((one) => one.id)).toContain(secret.id);
    expect(secret.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const kept = await env.DB.prepare('SELECT * FROM webhook_secrets').all();
    const bytes = secret.secret.slice('whsec_'.length);
    expect(listed.text + JSON.stringify(kept.results)).not.toContain(bytes);
  });

  test('revoked while a webhook waits: it is not sent unsigned, and sent once there is one', async () => {
    const { url, read } = box('200');
    const id = await endedOnly(url);
    await revoke(secret.id);
    await wakeDeliveries(env as Bindings, new Date());
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      attempts: [{ problem: 'NO_SECRET' }, {}, {}, {}],
    });
    expect(await read()).toEqual([]);
    const body = { ...request, callbackUrl: url };
    const asked = await call('/v1/generations', { method: 'POST', body });
    expect(asked).toMatchObject({ status: 400, body: { code: 'NO_WEBHOOK_SECRET' } });
    secret = await makeSecret();
    await again(id);
    expect((await ended(id)).status).toBe('delivered');
    verify(secret.secret, (await read())[0] ?? ({} as ReceivedWebhook));
  });

  test('ten at once make two', async () => {
    const token = inject('tokens').second;
    const made = await Promise.all(
      Array.from({ length: 10 }, () => call('/v1/webhooks/secrets', { method: 'POST', token })),
    );
    expect(made.filter((one) => one.status === 201)).toHaveLength(2);
    expect(made.filter((one) => one.status === 409)).toHaveLength(8);
  });
});

describe('where webhooks are not sent', () => {
  const serve = async (over: Partial<Bindings>, callbackUrl: unknown, path = '/v1/generations') => {
    const init = {
      method: 'POST',
      body: JSON.stringify({ ...request, callbackUrl }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${inject('tokens').first}` },
    };
    const response = await app.request(path, init, { ...env, ...over } as Bindings);
    return { status: response.status, body: await response.json<{ code: string; message: string }>() };
  };

  test('a deployment without a secret says so', async () => {
    for (const over of [{ WEBHOOK_SECRET: undefined }, { WEBHOOK_SECRET: '' }]) {
      expect(await serve(over, 'https://hooks.example.com/')).toMatchObject({
        status: 400,
        body: { code: 'WEBHOOKS_NOT_CONFIGURED' },
      });
    }
    const post = { method: 'POST', headers: { authorization: `Bearer ${inject('tokens').first}` } };
    const bindings = { ...env, WEBHOOK_SECRET: undefined } as Bindings;
    const made = await app.request('/v1/webhooks/secrets', post, bindings);
    expect(await made.json()).toMatchObject({ code: 'WEBHOOKS_NOT_CONFIGURED' });
  });

  test.each([
    'http://hooks.example.com/',
    'http://127.0.0.1:8080/',
    'https://localhost/',
    'https://169.254.169.254/',
    'https://[::ffff:10.0.0.1]/',
  ])('outside local development not to %s', async (url) => {
    expect(await serve({ WEBHOOK_ALLOW_PRIVATE: undefined }, url)).toMatchObject({
      status: 400,
      body: { code: 'CALLBACK_REFUSED' },
    });
  });

  test.each([17, null, '', 'x', 'ftp://example.com/', 'https://u:p@example.com/', ['https://example.com/']])(
    '%j is no callback URL',
    async (url) => {
      expect(await serve({}, url)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    },
  );

  test('nor at delivery, when it is not allowed any more', async () => {
    const { url, read } = box('200');
    const id = await endedOnly(url);
    const deps = await openDeliveryDeps({ ...env, WEBHOOK_ALLOW_PRIVATE: 'false' } as Bindings);
    const job = { deliveryId: id, orgId: 'first', round: 1 };
    expect(await deliverWebhook(job, 1, deps)).toEqual({ waitMs: null });
    expect(await detail(id)).toMatchObject({ status: 'refused', attempts: [{ problem: 'REFUSED' }] });
    expect(await read()).toEqual([]);
  });
});

describe('lists', () => {
  test('by generation and status, in pages, and only of the own organisation', async () => {
    type Page = { deliveries: Delivery[]; nextCursor: string | null };
    const { url } = box('410');
    const mine = await told(url);
    const of = (query: string, token = inject('tokens').first) =>
      call<Page>(`/v1/deliveries?${query}`, { token });
    const byGeneration = await of(`generation=${mine.subject.id}`);
    expect(byGeneration.body.deliveries.map((one) => one.id)).toEqual([mine.id]);
    expect((await of(`generation=${mine.subject.id}&status=delivered,failed`)).body.deliveries).toEqual([]);
    expect((await of('batch=x')).body.deliveries).toEqual([]);
    const gone = await of('status=gone&limit=1');
    expect(gone.body.deliveries).toMatchObject([{ status: 'gone' }]);
    const next = await of(`status=gone&limit=1&cursor=${gone.body.nextCursor}`);
    expect(next.body.deliveries[0]?.id).not.toBe(gone.body.deliveries[0]?.id);
    for (const query of ['status=x', 'cursor=gen-x', 'limit=0', 'url=x']) {
      expect(await of(query)).toMatchObject({ status: 400, body: { code: 'INVALID_QUERY' } });
    }
    const token = inject('tokens').second;
    expect((await of('', token)).body.deliveries).toEqual([]);
    expect((await call(`/v1/deliveries/${mine.id}`, { token })).status).toBe(404);
    expect((await call(`/v1/deliveries/${mine.id}/retry`, { method: 'POST', token })).status).toBe(404);
    expect((await call(`/v1/webhooks/secrets/${secret.id}`, { method: 'DELETE', token })).status).toBe(404);
    expect((await detail(mine.id)).round).toBe(1);
  });

  test('the callback URL is part of what an idempotency key stands for', async () => {
    const { url } = box('200');
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const prompt = `No eval [[refusal]] ${crypto.randomUUID()}`;
    const post = (body: unknown) =>
      call<GenerationDetail & { code: string }>('/v1/generations', { method: 'POST', body, headers });
    expect((await post({ ...request, prompt, callbackUrl: url })).status).toBe(202);
    expect((await post({ ...request, prompt })).body.code).toBe('IDEMPOTENCY_MISMATCH');
  });
});
