/** Asking again: idempotency keys and retries. One live generation for one wish, and nothing dead given back. */
import { env } from 'cloudflare:workers';
import { describe, expect, inject, test } from 'vitest';
import type { Bindings } from '../../src/env.ts';
import type { Generation, GenerationDetail, SignedRule } from '../../src/schema/api.ts';
import { openStore } from '../../src/store/store.ts';
import { expireKeys } from '../../src/workflows/expire-keys.ts';
import { wakeStalled } from '../../src/workflows/wake-stalled.ts';
import { request } from '../support/rule.ts';
import { call, countRows, run, untilEnded } from './client.ts';
import { generationRow } from './rows.ts';

const bodyOf = (script: string) => ({
  ...request,
  prompt: `No eval anywhere [[${script}]] ${crypto.randomUUID()}`,
});

const post = (body: unknown, key: string, token = inject('tokens').first) =>
  call<Generation & { code: string }>('/v1/generations', {
    method: 'POST',
    body,
    token,
    headers: { 'idempotency-key': key },
  });

const retry = (id: string, body?: unknown, headers: Record<string, string> = {}) =>
  call<Generation & { code: string; message: string; details: { generation: string } }>(
    `/v1/generations/${id}/retry`,
    { method: 'POST', ...(body === undefined ? {} : { body }), headers },
  );

const firstTurnOf = async (id: string) =>
  (await env.BUCKET.get(`orgs/first/generations/${id}/first-turn.txt`))?.text();

describe('Idempotency-Key', () => {
  test('gives the same generation while it is alive and when it is signed', async () => {
    const body = bodyOf('good');
    const key = crypto.randomUUID();
    const first = await post(body, key);
    const second = await post(body, key);
    expect([first.status, second.status]).toEqual([202, 200]);
    expect(second.body.id).toBe(first.body.id);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.headers.get('location')).toBe(`/v1/generations/${first.body.id}`);
    expect((await untilEnded(first.body.id)).status).toBe('signed');
    expect((await post(body, key)).body).toMatchObject({ id: first.body.id, status: 'signed' });
  });

  test('ten at once make one', async () => {
    const body = bodyOf('good');
    const key = crypto.randomUUID();
    const before = await countRows('generations');
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(body, key)));
    expect(new Set(answers.map((one) => one.body.id)).size).toBe(1);
    expect(answers.filter((one) => one.status === 202)).toHaveLength(1);
    expect(await countRows('generations')).toBe(before + 1);
  });

  test('a dead generation is never given back: the next is linked to it', async () => {
    const body = bodyOf('refusal');
    const key = crypto.randomUUID();
    const first = await untilEnded((await post(body, key)).body.id);
    expect(first.status).toBe('failed');
    const answers = await Promise.all([post(body, key), post(body, key)]);
    expect(new Set(answers.map((one) => one.body.id)).size).toBe(1);
    const second = await untilEnded(answers[0]?.body.id ?? '');
    expect(second).toMatchObject({ retryOf: first.id });
    const third = await post(body, key);
    expect(third).toMatchObject({ status: 202, body: { retryOf: second.id } });
    expect((await call<GenerationDetail>(`/v1/generations/${first.id}`)).body.retriedBy).toEqual([second.id]);
  });

  test('a retry made by hand counts for the key', async () => {
    const body = bodyOf('refusal');
    const key = crypto.randomUUID();
    const { id } = await untilEnded((await post(body, key)).body.id);
    const byHand = await retry(id, { guidance: 'try [[good]]' });
    expect((await post(body, key)).body.id).toBe(byHand.body.id);
  });

  test('another body under the same key is refused; fields in another order are the same body', async () => {
    const body = bodyOf('good');
    const key = crypto.randomUUID();
    const { id } = (await post(body, key)).body;
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    expect((await post(reordered, key)).body.id).toBe(id);
    const before = await countRows('generations');
    expect(await post(bodyOf('good'), key)).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_MISMATCH' },
    });
    expect(await countRows('generations')).toBe(before);
  });

  test('a key belongs to its organisation', async () => {
    const body = bodyOf('refusal');
    const key = crypto.randomUUID();
    const mine = await post(body, key);
    const theirs = await post(body, key, inject('tokens').second);
    expect(theirs.status).toBe(202);
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  test('a key is free again after 30 days', async () => {
    const key = crypto.randomUUID();
    const first = await post(bodyOf('good'), key);
    const store = openStore(env.DB, env.BUCKET);
    await env.DB.prepare('UPDATE idempotency_keys SET created_at = ?1 WHERE key = ?2')
      .bind(new Date(Date.now() - 31 * 86_400_000).toISOString(), key)
      .run();
    const second = await post(bodyOf('good'), key);
    expect(second.status).toBe(202);
    expect(second.body).toMatchObject({ retryOf: null });
    expect(second.body.id).not.toBe(first.body.id);
    await expireKeys(env as Bindings, new Date());
    expect(await store.idempotency.find('first', key)).not.toBeNull();
    await expireKeys(env as Bindings, new Date(Date.now() + 31 * 86_400_000));
    expect(await store.idempotency.find('first', key)).toBeNull();
  });

  test.each([
    ['a space', 'a b'],
    ['nothing', ''],
    ['too much', 'x'.repeat(256)],
    ['no ASCII', 'caf\u00e9'],
  ])('a key of %s is refused', async (_name, key) => {
    expect(await post(bodyOf('good'), key)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_IDEMPOTENCY_KEY' },
    });
  });

  test('a key is not claimed when another retry of the same generation is alive', async () => {
    const original = await run('refusal');
    const store = openStore(env.DB, env.BUCKET);
    const row = (id: string) => generationRow(id, { retry_of: original.id });
    const [alive, late] = [`gen-alive${crypto.randomUUID()}`, `gen-late${crypto.randomUUID()}`];
    expect(await store.generations.insert(row(alive))).not.toBeNull();
    const key = crypto.randomUUID();
    const claim = { orgId: 'first', key, digest: 'd', targetId: late, replaces: null, at: '2026' };
    expect(await store.generations.insertClaimed(row(late), claim)).toBeNull();
    expect(await store.idempotency.find('first', key)).toBeNull();
    expect(await store.generations.insert(row(late))).toBeNull();
    await store.generations.end(alive, 'cancelled', { code: 'CANCELLED', message: '' }, '2026');
    expect(await store.generations.insertClaimed(row(late), claim)).toMatchObject({
      id: late,
      status: 'queued',
    });
    await store.generations.end(late, 'cancelled', { code: 'CANCELLED', message: '' }, '2026');
  });

  test('a crash before the instance was made is healed by the sweep, and the key still names it', async () => {
    const body = bodyOf('good');
    const key = crypto.randomUUID();
    const store = openStore(env.DB, env.BUCKET);
    // The row and its key without an instance, as a crash leaves them.
    const { id } = (await post(body, key)).body;
    await untilEnded(id);
    const text = (await env.BUCKET.get(`orgs/first/generations/${id}/request.json`))?.text();
    const lost = `gen-${'0'.repeat(26)}`;
    await store.objects.putOnce(`orgs/first/generations/${lost}/request.json`, (await text) ?? '');
    await store.generations.insertClaimed(generationRow(lost, { created_at: '2026-01-01T00:00:00.000Z' }), {
      orgId: 'first',
      key,
      digest: (await store.idempotency.find('first', key))?.digest ?? '',
      targetId: lost,
      replaces: id,
      at: new Date().toISOString(),
    });
    expect((await post(body, key)).body).toMatchObject({ id: lost, status: 'queued' });
    await wakeStalled(env as Bindings, new Date());
    expect((await untilEnded(lost)).status).toBe('signed');
    expect((await post(body, key)).body.id).toBe(lost);
  });
});

describe('retry', () => {
  test('makes a linked generation and leaves the original as it was', async () => {
    const original = await run('refusal');
    const { text: before } = await call(`/v1/generations/${original.id}/request`);
    const answer = await retry(original.id);
    expect(answer).toMatchObject({ status: 202, body: { retryOf: original.id, status: 'queued' } });
    expect(answer.headers.get('location')).toBe(`/v1/generations/${answer.body.id}`);
    const { text } = await call(`/v1/generations/${answer.body.id}/request`);
    expect(text).toBe(before);
    const { body: after } = await call<GenerationDetail>(`/v1/generations/${original.id}`);
    expect(after).toEqual({ ...original, retriedBy: [answer.body.id] });
    await untilEnded(answer.body.id);
  });

  test('asked for ten times at once it makes one', async () => {
    const { id } = await run('refusal');
    const before = await countRows('generations');
    const answers = await Promise.all(Array.from({ length: 10 }, () => retry(id, { attempts: 2 })));
    expect(new Set(answers.map((one) => one.body.id)).size).toBe(1);
    expect(answers.filter((one) => one.status === 202)).toHaveLength(1);
    expect(await countRows('generations')).toBe(before + 1);
    await untilEnded(answers[0]?.body.id ?? '');
  });

  test('with other options while one is alive it is refused', async () => {
    const { id } = await run('refusal');
    const alive = await retry(id, { guidance: 'slowly [[slow]]' });
    expect(await retry(id, { attempts: 3 })).toMatchObject({
      status: 409,
      body: { code: 'RETRY_UNDER_WAY', details: { generation: alive.body.id } },
    });
    await call(`/v1/generations/${alive.body.id}/cancel`, { method: 'POST' });
    expect((await retry(id, { attempts: 3 })).status).toBe(202);
  });

  test('guidance and more attempts reach the model, and the request says so', async () => {
    const original = await run('silent', { limits: { attempts: 1 } });
    expect(original.status).toBe('failed');
    const guidance = 'Use fewer lines.\n-----\nIgnore the cases.';
    const { body } = await retry(original.id, { guidance, attempts: 4 });
    const ended = await untilEnded(body.id);
    expect(ended).toMatchObject({ attemptsMax: 4, retryOf: original.id });
    const turn = await firstTurnOf(body.id);
    expect(turn).toContain(`in their own words:\n------\n${guidance}\n------\n`);
    expect(await firstTurnOf(original.id)).not.toContain('in their own words');
    const stored = await call<{ guidance: string }>(`/v1/generations/${body.id}/request`);
    expect(stored.body.guidance).toBe(guidance);
  });

  test('another model is taken from the list of allowed ones only', async () => {
    const { id } = await run('refusal');
    expect(await retry(id, { model: 'somebody-else' })).toMatchObject({
      status: 400,
      body: { code: 'MODEL_NOT_ALLOWED', details: { allowed: ['test-model', 'other-model'] } },
    });
    const { body } = await retry(id, { model: 'other-model' });
    await untilEnded(body.id);
    const { results } = await env.DB.prepare('SELECT data FROM events WHERE generation_id = ?1 AND type = ?2')
      .bind(body.id, 'model_called')
      .all<{ data: string }>();
    expect(results.map((one) => JSON.parse(one.data))).toEqual([{ attempt: 1, model: 'other-model' }]);
    // A retry of the retry keeps its model.
    expect((await retry(body.id)).body.model).toBe('other-model');
  });

  test('goes on from an attempt: its reply and feedback are the first turns, and are not paid for again', async () => {
    const original = await run('silent, silent, good', { limits: { attempts: 2 } });
    expect(original).toMatchObject({ status: 'failed', spend: { calls: 2 } });
    const { body } = await retry(original.id, { fromAttempt: 2 });
    expect(body).toMatchObject({ retryOf: original.id, fromAttempt: 2 });
    const ended = await untilEnded(body.id);
    // The script counts the model's turns so far: the second reply of the script is the one after the first.
    expect(ended).toMatchObject({ attempt: 2, status: 'signed', spend: { calls: 2 } });
    const key = (id: string, n: number) => `orgs/first/generations/${id}/attempts/${n}/reply.json`;
    const kept = await (await env.BUCKET.get(key(body.id, 0)))?.text();
    expect(kept).toBe(await (await env.BUCKET.get(key(original.id, 2)))?.text());
  });

  test('keeps the engine that was decided, and nobody is asked again', async () => {
    const original = await run('sgmisses', { engine: 'auto', limits: { attempts: 1 } });
    const reason = 'the model says: it looks like sg';
    expect(original).toMatchObject({ status: 'failed', engine: 'sg', spend: { calls: 2 } });
    const { body } = await retry(original.id, { guidance: 'now [[good]]', attempts: 1 });
    expect(body).toMatchObject({ status: 'queued', engine: 'sg', engineReason: reason });
    const ended = await untilEnded(body.id);
    expect(ended).toMatchObject({ engine: 'sg', engineReason: reason, spend: { calls: 1 } });
    const { results } = await env.DB.prepare('SELECT data FROM events WHERE generation_id = ?1 AND type = ?2')
      .bind(body.id, 'classified')
      .all<{ data: string }>();
    expect(results.map((one) => JSON.parse(one.data))).toEqual([
      { requested: 'auto', engine: 'sg', why: reason, askedModel: false, costUsd: 0 },
    ]);
  });

  test('goes on from an attempt of an sg rule as one', async () => {
    const original = await run('sgmisses, sggood', { engine: 'auto', limits: { attempts: 1 } });
    const { body } = await retry(original.id, { fromAttempt: 1, attempts: 1 });
    const ended = await untilEnded(body.id);
    expect(ended).toMatchObject({ status: 'signed', engine: 'sg', attempt: 1, spend: { calls: 1 } });
    expect((await call<SignedRule>(`/v1/rules/${ended.ruleId}`)).body.engine).toBe('sg');
  });

  test('an attempt that was not judged needs guidance to go on from, and one that is not there has none', async () => {
    const original = await run('good');
    const force = true;
    expect(await retry(original.id, { force, fromAttempt: 1 })).toMatchObject({
      status: 409,
      body: { code: 'NOTHING_TO_GO_ON_FROM' },
    });
    expect((await retry(original.id, { force, fromAttempt: 3 })).body.code).toBe('NOTHING_TO_GO_ON_FROM');
    const { status, body } = await retry(original.id, { force, fromAttempt: 1, guidance: 'shorter' });
    expect(status).toBe(202);
    expect((await untilEnded(body.id)).status).toBe('signed');
  });

  test('a signed one, or one whose retry is signed, only by force', async () => {
    const original = await run('silent', { limits: { attempts: 1 } });
    const { body } = await retry(original.id, { attempts: 2, guidance: 'x', fromAttempt: 1 });
    await env.DB.prepare("UPDATE generations SET status = 'signed', ended_at = created_at WHERE id = ?1")
      .bind(body.id)
      .run();
    for (const id of [original.id, body.id]) {
      expect(await retry(id)).toMatchObject({
        status: 409,
        body: { code: 'ALREADY_SIGNED', details: { generation: body.id } },
      });
    }
    expect((await retry(original.id, { force: true })).status).toBe(202);
  });

  test('one that is alive is refused, one of another organisation unknown', async () => {
    const { body } = await post(bodyOf('slow'), crypto.randomUUID());
    expect(await retry(body.id)).toMatchObject({ status: 409, body: { code: 'NOT_ENDED' } });
    const path = `/v1/generations/${body.id}/retry`;
    expect((await call(path, { method: 'POST', token: inject('tokens').second })).status).toBe(404);
    await call(`/v1/generations/${body.id}/cancel`, { method: 'POST' });
  });

  test('takes an Idempotency-Key too', async () => {
    const { id } = await run('refusal');
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const first = await retry(id, { attempts: 1 }, headers);
    await untilEnded(first.body.id);
    const second = await retry(id, { attempts: 1 }, headers);
    expect(second).toMatchObject({ status: 202, body: { retryOf: id } });
    expect((await retry(id, { attempts: 2 }, headers)).body.code).toBe('IDEMPOTENCY_MISMATCH');
  });

  test.each([
    ['an unknown field', { temperature: 1 }],
    ['no attempts', { attempts: 0 }],
    ['empty guidance', { guidance: ' ' }],
    ['attempt 0', { fromAttempt: 0 }],
    ['a list', []],
  ])('%s is refused', async (_name, body) => {
    const { id } = await run('refusal');
    expect(await retry(id, body)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });
});
