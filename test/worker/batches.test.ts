/** Batches from the outside: what a product asks for, twice where it may, and what comes of it. */
import { env } from 'cloudflare:workers';
import { describe, expect, inject, test } from 'vitest';
import type { Bindings } from '../../src/env.ts';
import type { Generation, GenerationDetail, SignedRule } from '../../src/schema/api.ts';
import { wakeBatches } from '../../src/workflows/wake-batches.ts';
import { act, asks, itemsOf, post, read, start, until, untilDone } from './batch-client.ts';
import { call, countRows, run } from './client.ts';

const generationsOf = async (id: string) =>
  (await call<{ generations: Generation[] }>(`/v1/generations?batch=${id}&limit=100`)).body.generations;
const ruleOf = async (id: string | null) =>
  (await call<SignedRule & { files: Record<string, string> }>(`/v1/rules/${id}`)).body;

describe('regenerate', () => {
  test('requests: each becomes one generation of the batch, and what fails is told apart', async () => {
    const batch = await start({
      mode: 'regenerate',
      name: 'first lot',
      requests: [asks('good'), asks('refusal'), asks('good'), asks('badkey')],
      concurrency: 2,
    });
    const done = await untilDone(batch.id);
    expect(done).toMatchObject({
      name: 'first lot',
      items: 4,
      reason: { code: 'DONE', message: '2 signed, 1 failed, 1 errored, 0 cancelled' },
      progress: { waiting: 0, underWay: 0, signed: 2, failed: 1, errored: 1 },
      eta: null,
    });
    expect(done.spend.costUsd).toBeGreaterThan(0);
    const items = await itemsOf(batch.id);
    expect(items.map(({ status, reason, round }) => [status, reason?.code, round])).toEqual([
      ['signed', 'SIGNED', 1],
      ['failed', 'MODEL_REFUSED', 1],
      ['signed', 'SIGNED', 1],
      ['errored', 'MODEL_UNAUTHORIZED', 1],
    ]);
    const generations = await generationsOf(batch.id);
    expect(generations.map(({ id }) => id).sort()).toEqual(
      items.map(({ generationId }) => generationId).sort(),
    );
    expect(generations.every(({ batchId, reverifies }) => batchId === batch.id && reverifies === null)).toBe(
      true,
    );
    expect((await call(`/v1/batches`)).body.batches).toContainEqual(
      expect.objectContaining({ id: batch.id }),
    );
    expect(await itemsOf(batch.id, '&status=failed,errored')).toHaveLength(2);
  });

  test('generations, signed and failed: each is repeated once and linked to what it repeats', async () => {
    const signed = await run('good');
    const failed = await run('refusal');
    const batch = await start({
      mode: 'regenerate',
      generations: [signed.id, failed.id],
      model: 'test-model',
    });
    const done = await untilDone(batch.id);
    expect(done.progress).toMatchObject({ signed: 1, failed: 1 });
    const [first, second] = await itemsOf(batch.id);
    expect(first).toMatchObject({ sourceGeneration: signed.id, sourceRule: signed.ruleId, status: 'signed' });
    expect(second).toMatchObject({ sourceGeneration: failed.id, sourceRule: null, status: 'failed' });
    const again = (await call<GenerationDetail>(`/v1/generations/${first?.generationId}`)).body;
    expect(again).toMatchObject({ retryOf: signed.id, batchId: batch.id, spend: { calls: 1 } });
    expect((await ruleOf(signed.ruleId)).id).toBe(signed.ruleId);
  });
});

describe('reverify', () => {
  test('signs new evidence for the same files, asks no model, and leaves the old rule', async () => {
    const original = await run('silent, good');
    const before = await ruleOf(original.ruleId);
    const callsBefore = await countRows('spend');
    const { id } = await start({ mode: 'reverify', rules: [original.ruleId] });
    expect((await untilDone(id)).progress).toMatchObject({ signed: 1 });
    expect(await countRows('spend')).toBe(callsBefore);

    const [item] = await itemsOf(id);
    const again = (await call<GenerationDetail>(`/v1/generations/${item?.generationId}`)).body;
    expect(again).toMatchObject({
      status: 'signed',
      reverifies: original.ruleId,
      retryOf: null,
      attemptsMax: 1,
      reason: { message: 'all 2 cases pass on attempt 1 of 1' },
      spend: { calls: 0 },
    });
    const after = await ruleOf(again.ruleId);
    const { 'rule.sigstore.json': newBundle, 'rule.tlog-proof': newProof, ...newFiles } = after.files;
    const { 'rule.sigstore.json': oldBundle, 'rule.tlog-proof': oldProof, ...oldFiles } = before.files;
    expect(newFiles).toEqual(oldFiles);
    expect(newBundle).not.toBe(oldBundle);
    expect(newProof).not.toBe(oldProof);
    expect(await ruleOf(original.ruleId)).toEqual(before);

    const filtered = await start({
      mode: 'reverify',
      filter: { name: after.name, keyId: after.keyId, node: after.nodeVersion },
    });
    expect(filtered.items).toBeGreaterThan(0);
    const sources = (await itemsOf(filtered.id)).map(({ sourceRule }) => sourceRule);
    expect(sources).toContain(again.ruleId);
    expect(sources).not.toContain(original.ruleId);
    await act(filtered.id, 'cancel');
  });

  test('of a rule whose stored files are not what was signed errs, and signs nothing', async () => {
    const { id: generation, ruleId, attempt } = await run('good');
    const key = `orgs/first/generations/${generation}/attempts/${attempt}/rule.json`;
    const stored = JSON.parse((await (await env.BUCKET.get(key))?.text()) ?? '{}');
    stored.files['check.ts'] += '\n// changed\n';
    await env.BUCKET.put(key, JSON.stringify(stored));
    const { id } = await start({ mode: 'reverify', rules: [ruleId] });
    await untilDone(id);
    const [item] = await itemsOf(id);
    expect(item).toMatchObject({ status: 'errored', reason: { code: 'STORE_CONFLICT' } });

    const again = await call<Generation & { message: string }>(
      `/v1/generations/${item?.generationId}/retry`,
      {
        method: 'POST',
        body: { guidance: 'try harder' },
      },
    );
    expect(again).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    const plain = await call<Generation>(`/v1/generations/${item?.generationId}/retry`, { method: 'POST' });
    expect(plain).toMatchObject({ status: 202, body: { reverifies: ruleId, attemptsMax: 1 } });
  });
});

describe('asked for twice', () => {
  test('one key is one batch, also ten times at once; another body under it is refused', async () => {
    const body = { mode: 'regenerate', requests: [asks('refusal'), asks('refusal')] };
    const key = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(body, { key })));
    expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    const id = answers[0]?.body.id ?? '';
    expect((await untilDone(id)).progress.failed).toBe(2);
    expect(await generationsOf(id)).toHaveLength(2);
    expect((await post(body, { key })).headers.get('idempotency-replayed')).toBe('true');
    const other = await post({ ...body, concurrency: 2 }, { key });
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_MISMATCH' } });
    const theirs = await post(body, { key, token: inject('tokens').second });
    expect(theirs.body.id).not.toBe(id);
  });

  test('a key never gives a cancelled batch back', async () => {
    const body = { mode: 'regenerate', requests: [asks('slow')] };
    const key = crypto.randomUUID();
    const { id } = (await post(body, { key })).body;
    await act(id, 'cancel');
    const next = await post(body, { key });
    expect(next.status).toBe(202);
    expect(next.body.id).not.toBe(id);
    await act(next.body.id, 'cancel');
  });

  test('retry-failed begins only what failed, once, again and again', async () => {
    const { id } = await start({ mode: 'regenerate', requests: [asks('good'), asks('refusal')] });
    await untilDone(id);
    const kept = (await itemsOf(id))[0];
    const first = (await itemsOf(id))[1];
    const twice = await Promise.all([act(id, 'retry-failed'), act(id, 'retry-failed')]);
    expect(twice.map(({ status }) => status)).toEqual([200, 200]);
    await untilDone(id);
    const second = (await itemsOf(id))[1];
    expect(second).toMatchObject({ round: 2, status: 'failed', lastGenerationId: first?.generationId });
    const generation = (await call<Generation>(`/v1/generations/${second?.generationId}`)).body;
    expect(generation).toMatchObject({ retryOf: first?.generationId, batchId: id });
    expect((await itemsOf(id))[0]).toEqual(kept);
    expect(await generationsOf(id)).toHaveLength(3);
    await act(id, 'retry-failed');
    expect((await untilDone(id)).progress).toMatchObject({ signed: 1, failed: 1 });
    expect((await itemsOf(id))[1]?.round).toBe(3);
  });
});

describe('pause, resume, cancel', () => {
  test('a paused batch begins nothing; resumed it goes on to its end', async () => {
    const requests = Array.from({ length: 4 }, () => asks('refusal'));
    const window = { notBefore: new Date(Date.now() + 3_600_000).toISOString() };
    const { id } = await start({ mode: 'regenerate', requests, window });
    await until(id, ({ shutUntil }) => shutUntil !== null);
    for (const _twice of [1, 2]) {
      expect(await act(id, 'pause')).toMatchObject({
        status: 200,
        body: { status: 'paused', reason: { code: 'PAUSED' } },
      });
    }
    await env.DB.prepare('UPDATE batches SET not_before = NULL WHERE id = ?1').bind(id).run();
    await wakeBatches(env as Bindings, new Date(Date.now() + 600_000));
    expect(await generationsOf(id)).toEqual([]);
    expect((await act(id, 'resume')).body).toMatchObject({ status: 'running', reason: null });
    expect((await untilDone(id)).progress.failed).toBe(4);
    expect(await act(id, 'pause')).toMatchObject({ status: 409, body: { code: 'ALREADY_ENDED' } });
    expect(await act(id, 'resume')).toMatchObject({ status: 409, body: { code: 'ALREADY_ENDED' } });
    expect(await act(id, 'cancel')).toMatchObject({ status: 409, body: { code: 'ALREADY_ENDED' } });
  });

  test('cancel ends what waits and what is under way, and each ending is logged once', async () => {
    const requests = Array.from({ length: 5 }, () => asks('slow'));
    const { id } = await start({ mode: 'regenerate', requests, concurrency: 2 });
    await until(id, ({ progress }) => progress.underWay === 2);
    for (const _twice of [1, 2]) {
      expect(await act(id, 'cancel')).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    }
    expect((await read(id)).progress).toMatchObject({ waiting: 0, underWay: 0, cancelled: 5 });
    const generations = await generationsOf(id);
    expect(generations.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
    const ends = await env.DB.prepare(
      `SELECT COUNT(*) AS n FROM events WHERE type = 'ended' AND generation_id IN (SELECT id FROM generations WHERE batch_id = ?1)`,
    )
      .bind(id)
      .first<{ n: number }>();
    expect(ends?.n).toBe(2);
    expect(await act(id, 'retry-failed')).toMatchObject({ status: 409, body: { code: 'ALREADY_ENDED' } });
    expect(await act(id, 'resume')).toMatchObject({ status: 409, body: { code: 'ALREADY_ENDED' } });
  });
});

test('a spending cap stops the batch, and resuming with a higher one goes on', async () => {
  const requests = Array.from({ length: 3 }, () => asks('refusal'));
  const { id } = await start({ mode: 'regenerate', requests, costUsdMax: 0.000001 });
  const stopped = await until(id, ({ status }) => status === 'paused');
  expect(stopped).toMatchObject({
    reason: { code: 'COST_CAP_REACHED' },
    progress: { failed: 1, waiting: 2 },
  });
  expect(stopped.spend.costUsd).toBeGreaterThan(0.000001);
  expect(await generationsOf(id)).toHaveLength(1);
  await act(id, 'resume', { costUsdMax: 100 });
  expect(await untilDone(id)).toMatchObject({ costUsdMax: 100, progress: { failed: 3 } });
});

test('the sweep starts a batch that lost its instance, and replaces one the engine gave up', async () => {
  const { id } = await start({ mode: 'regenerate', requests: [asks('refusal'), asks('refusal')] });
  const instance = await env.BATCH.get(`${id}-1`);
  await instance.terminate();
  const before = await read(id);
  if (before.status === 'running') await wakeBatches(env as Bindings, new Date(Date.now() + 600_000));
  expect((await untilDone(id)).progress.failed).toBe(2);
  expect(await generationsOf(id)).toHaveLength(2);
});

test('many items: each ends once', async () => {
  const requests = Array.from({ length: 40 }, () => asks('refusal'));
  const { id } = await start({ mode: 'regenerate', requests, concurrency: 20 });
  expect((await untilDone(id)).progress).toMatchObject({ failed: 40, waiting: 0, underWay: 0 });
  const counted = await env.DB.prepare(
    `SELECT COUNT(*) AS made, (SELECT COUNT(*) FROM events WHERE type = 'ended'
       AND generation_id IN (SELECT id FROM generations WHERE batch_id = ?1)) AS ends FROM generations WHERE batch_id = ?1`,
  )
    .bind(id)
    .first();
  expect(counted).toEqual({ made: 40, ends: 40 });
});

test('ten thousand items are taken by list and by filter, listed in pages, and cancelled', async () => {
  const times = "'2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'";
  const many = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)';
  const id = (prefix: string) => `'${prefix}-many' || printf('%022d', i)`;
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO generations (id, org_id, status, prompt_excerpt, request_sha256, model, cases_total, attempts_max, rule_id, created_at, updated_at, ended_at)
       ${many} SELECT ${id('gen')}, 'first', 'signed', '', '', 'test-model', 2, 5, ${id('rule')}, ${times} FROM n`,
    ),
    env.DB.prepare(
      `INSERT INTO rules (id, org_id, generation_id, name, summary, bundle_sha256, key_id, published_at)
       ${many} SELECT ${id('rule')}, 'first', ${id('gen')}, 'one-of-many', '', '', 'k', '2026-01-01T00:00:00.000Z' FROM n`,
    ),
  ]);
  const window = { notBefore: '2999-01-01T00:00:00Z' };
  const generations = Array.from({ length: 10_000 }, (_, n) => `gen-many${String(n + 1).padStart(22, '0')}`);
  const listed = await start({ mode: 'regenerate', generations: generations.reverse(), window });
  const filtered = await start({ mode: 'reverify', filter: { name: 'one-of-many' }, window });
  for (const { id: batch } of [listed, filtered]) {
    expect(await read(batch)).toMatchObject({ items: 10_000, progress: { waiting: 10_000 } });
    const page = await call<{ items: { position: number }[]; nextCursor: string }>(
      `/v1/batches/${batch}/items?cursor=9899&limit=100`,
    );
    expect(page.body.items.map(({ position }) => position)).toEqual(
      Array.from({ length: 100 }, (_, n) => 9_900 + n),
    );
    expect((await act(batch, 'cancel')).body.progress).toMatchObject({ waiting: 0, cancelled: 10_000 });
  }
  expect((await itemsOf(listed.id))[0]?.sourceGeneration).toBe(generations[0]);
  expect((await itemsOf(filtered.id))[0]?.sourceRule).toBe(`rule-many${'1'.padStart(22, '0')}`);
  const more = await post({ mode: 'regenerate', generations: [...generations, `gen-${'0'.repeat(26)}`] });
  expect(more).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
});

describe('refused, and nothing made', () => {
  const gen = `gen-${'0'.repeat(26)}`;
  test.each<[string, Record<string, unknown>, number, string]>([
    ['nothing to do', { mode: 'regenerate' }, 400, 'INVALID_REQUEST'],
    ['two sources', { mode: 'regenerate', generations: [gen], filter: {} }, 400, 'INVALID_REQUEST'],
    ['an id twice', { mode: 'regenerate', generations: [gen, gen] }, 400, 'INVALID_REQUEST'],
    ['no id', { mode: 'regenerate', generations: ['../../x'] }, 400, 'INVALID_REQUEST'],
    ['an unknown field', { mode: 'regenerate', filter: { engine: 'sg' } }, 400, 'INVALID_REQUEST'],
    ['a model for reverify', { mode: 'reverify', filter: {}, model: 'test-model' }, 400, 'INVALID_REQUEST'],
    ['requests for reverify', { mode: 'reverify', requests: [asks('good')] }, 400, 'INVALID_REQUEST'],
    [
      'half a window',
      { mode: 'reverify', filter: {}, window: { dailyFrom: '10:00' } },
      400,
      'INVALID_REQUEST',
    ],
    [
      'an hour that is none',
      { mode: 'reverify', filter: {}, window: { dailyFrom: '24:00', dailyTo: '25:00' } },
      400,
      'INVALID_REQUEST',
    ],
    ['too many at once', { mode: 'reverify', filter: {}, concurrency: 101 }, 400, 'INVALID_REQUEST'],
    ['one that is not there', { mode: 'regenerate', generations: [gen] }, 404, 'NOT_FOUND'],
    [
      'a filter that fits nothing',
      { mode: 'reverify', filter: { name: 'no-such-rule' } },
      400,
      'BATCH_EMPTY',
    ],
    [
      'a model not allowed',
      { mode: 'regenerate', requests: [asks('good')], model: 'x' },
      400,
      'MODEL_NOT_ALLOWED',
    ],
    [
      'a cap without a price',
      { mode: 'regenerate', requests: [asks('good')], model: 'other-model', costUsdMax: 1 },
      400,
      'COST_LIMIT_NEEDS_PRICE',
    ],
    ['economy for reverify', { mode: 'reverify', filter: {}, economy: true }, 400, 'INVALID_REQUEST'],
  ])('%s', async (_what, body, status, code) => {
    const rows = 'SELECT COUNT(*) AS n FROM batches';
    const before = await env.DB.prepare(rows).first();
    expect(await post(body)).toMatchObject({ status, body: { code } });
    expect(await env.DB.prepare(rows).first()).toEqual(before);
  });

  test('another organisation has no such generation, rule or batch', async () => {
    const { id: generation, ruleId } = await run('good');
    const token = inject('tokens').second;
    for (const body of [
      { mode: 'regenerate', generations: [generation] },
      { mode: 'reverify', rules: [ruleId] },
    ]) {
      expect(await post(body, { token })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
    const { id } = await start({ mode: 'regenerate', requests: [asks('refusal')] });
    for (const path of ['', '/items']) {
      expect(await call(`/v1/batches/${id}${path}`, { token })).toMatchObject({ status: 404 });
    }
    for (const what of ['pause', 'resume', 'cancel', 'retry-failed']) {
      expect(await call(`/v1/batches/${id}/${what}`, { method: 'POST', token })).toMatchObject({
        status: 404,
      });
    }
    expect((await untilDone(id)).progress.failed).toBe(1);
  });

  test('what has not ended, and what has no rule', async () => {
    const { id } = await start({ mode: 'regenerate', requests: [asks('slow')] });
    await until(id, ({ progress }) => progress.underWay === 1);
    const [item] = await itemsOf(id);
    const alive = await post({ mode: 'regenerate', generations: [item?.generationId] });
    expect(alive).toMatchObject({ status: 409, body: { code: 'NOT_ENDED' } });
    await act(id, 'cancel');
    const none = await post({ mode: 'reverify', generations: [item?.generationId] });
    expect(none).toMatchObject({ status: 404, body: { code: 'NO_RULE' } });
  });
});
