/** Steps of a batch run twice on purpose, or as an instance whose time is over: nothing is begun twice or lost. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/api/ids.ts';
import type { Bindings } from '../../src/env.ts';
import { Fault } from '../../src/errors.ts';
import type { BatchDeps } from '../../src/steps/batch/deps.ts';
import { handOn } from '../../src/steps/batch/hand-on.ts';
import { makeGenerations } from '../../src/steps/batch/make-generations.ts';
import { settleItems } from '../../src/steps/batch/settle-items.ts';
import { startGenerations } from '../../src/steps/batch/start-generations.ts';
import { stopBatch } from '../../src/steps/batch/stop-batch.ts';
import { endCancelled } from '../../src/store/end-cancelled.ts';
import { wakeStalled } from '../../src/workflows/wake-stalled.ts';
import { asks } from './batch-client.ts';
import { endAll, fixture, NOW, rowsOf, store } from './batch-fixture.ts';
import { generationRow } from './rows.ts';

describe('interrupted and run again', () => {
  test('after ids were claimed: the same ids are made, and no more are claimed', async () => {
    const f = await fixture();
    const look = await settleItems(f.job, 0, f.deps);
    expect(look).toMatchObject({ over: false, free: 4, upTo: 4 });
    let broken = true;
    const objects = new Proxy(store.objects, {
      get: (target, name) => {
        if (name === 'putOnce' && broken) return () => Promise.reject(new Error('R2 is away'));
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const deps = { ...f.deps, store: { ...store, objects } };
    await expect(makeGenerations(f.job, look, deps)).rejects.toThrow('R2 is away');
    const claimed = (await store.batchItems.unmade(f.job.batchId, 100)).map((item) => item.generation_id);
    expect(claimed).toHaveLength(4);
    broken = false;
    expect(await makeGenerations(f.job, look, deps)).toEqual({ made: 4 });
    expect((await rowsOf(f)).map(({ id }) => id)).toEqual(claimed.sort());
    expect(await makeGenerations(f.job, look, deps)).toEqual({ made: 0 });
    expect(await rowsOf(f)).toHaveLength(4);
  });

  test('after some instances were started: the rest is, and none is forgotten', async () => {
    const f = await fixture();
    await makeGenerations(f.job, { upTo: 4 }, f.deps);
    let left = 2;
    const failing: BatchDeps = {
      ...f.deps,
      startGeneration: (job) => {
        left -= 1;
        if (left < 0) return Promise.reject(new Fault('WORKFLOW_UNAVAILABLE', 'gone'));
        return f.deps.startGeneration(job);
      },
    };
    await expect(startGenerations(f.job, failing)).rejects.toThrow('WORKFLOW_UNAVAILABLE');
    await startGenerations(f.job, f.deps);
    expect(new Set(f.started.map((job) => job.generationId)).size).toBe(4);
    expect((await rowsOf(f)).map(({ held }) => held)).toEqual([0, 0, 0, 0]);
    expect(await startGenerations(f.job, f.deps)).toEqual({ started: 0 });
  });

  test('ends are taken over once, with what they cost', async () => {
    const f = await fixture();
    await makeGenerations(f.job, { upTo: 4 }, f.deps);
    const [first] = await rowsOf(f);
    await env.DB.prepare(
      "INSERT INTO spend (generation_id, attempt, call, org_id, model, cost_usd, reserved_at, settled_at) VALUES (?1, 1, 1, 'first', 'm', 0.5, ?2, ?2)",
    )
      .bind(first?.id, NOW)
      .run();
    await endAll(f);
    expect((await store.batchItems.progress(f.job.batchId)).tally).toMatchObject({
      costUsd: 0.5,
      byStatus: { failed: 4, started: 0 },
    });
    expect(await settleItems(f.job, 0, f.deps)).toMatchObject({ free: 2, upTo: 2 });
    await settleItems(f.job, 0, f.deps);
    expect((await store.batchItems.progress(f.job.batchId)).tally).toMatchObject({
      costUsd: 0.5,
      byStatus: { failed: 4, waiting: 2 },
    });
  });

  test('handing on twice makes the next instance, and only that', async () => {
    const f = await fixture();
    expect(await handOn(f.job, f.deps)).toEqual({ instance: 2 });
    expect(await handOn(f.job, f.deps)).toEqual({ instance: 2 });
    expect(f.handedOn).toEqual([
      { ...f.job, instance: 2 },
      { ...f.job, instance: 2 },
    ]);
    expect(await settleItems({ ...f.job, instance: 2 }, 0, f.deps)).toMatchObject({ over: false });
  });
});

describe('an instance whose time is over', () => {
  test('begins nothing: another has taken its place', async () => {
    const f = await fixture();
    const look = await settleItems(f.job, 0, f.deps);
    await store.batches.handOn(f.job, NOW);
    expect(await makeGenerations(f.job, look, f.deps)).toEqual({ made: 0 });
    expect(await settleItems(f.job, 0, f.deps)).toMatchObject({ over: true });
    expect(await stopBatch(f.job, { code: 'INTERNAL', message: 'x' }, f.deps)).toEqual({ paused: false });
    expect(await store.batchItems.started(f.job.batchId)).toBe(0);
  });

  test('begins nothing when it was paused between claim and row; what was claimed is made on resuming', async () => {
    const f = await fixture();
    await store.batchItems.claim(f.job, [newId('gen', 0), newId('gen', 0)], NOW);
    await store.batches.pause('first', f.job.batchId, { code: 'PAUSED', message: 'x' }, NOW);
    expect(await makeGenerations(f.job, { upTo: 4 }, f.deps)).toEqual({ made: 0 });
    expect(await rowsOf(f)).toEqual([]);
    await store.batches.resume('first', f.job.batchId, undefined, NOW);
    const next = { ...f.job, instance: 2 };
    const look = await settleItems(next, 0, f.deps);
    expect(look).toMatchObject({ free: 2, upTo: 4, unfinished: true });
    expect(await makeGenerations(next, look, f.deps)).toEqual({ made: 4 });
  });

  test('begins nothing after a cancel, which ends what it had made', async () => {
    const f = await fixture();
    await makeGenerations(f.job, { upTo: 2 }, f.deps);
    await store.batchItems.claim(f.job, [newId('gen', 0)], NOW);
    await store.batches.cancel('first', f.job.batchId, { code: 'CANCELLED', message: 'x' }, NOW);
    expect(await startGenerations(f.job, f.deps)).toEqual({ started: 0 });
    expect(await makeGenerations(f.job, { upTo: 4 }, f.deps)).toEqual({ made: 0 });
    expect(await endCancelled(store, f.job.batchId, 1, NOW)).toHaveLength(1);
    const next = { ...f.job, instance: 2 };
    expect(await settleItems(next, 0, f.deps)).toMatchObject({ over: true });
    expect((await store.batchItems.progress(f.job.batchId)).tally.byStatus).toMatchObject({
      cancelled: 6,
      started: 0,
    });
    expect((await store.batches.find('first', f.job.batchId))?.next_look_at).toBeNull();
  });
});

test('generations that are held are left alone by the wake sweep; let go, they are not', async () => {
  const f = await fixture();
  await makeGenerations(f.job, { upTo: 1 }, f.deps);
  const [row] = await rowsOf(f);
  expect(row).toMatchObject({ held: 1, status: 'queued' });
  const later = new Date(Date.now() + 3_600_000);
  await wakeStalled(env as Bindings, later);
  await expect(env.GENERATE_RULE.get(row?.id ?? '')).rejects.toThrow();
  await store.generations.letGo([row?.id ?? ''], NOW);
  await wakeStalled(env as Bindings, later);
  await env.GENERATE_RULE.get(row?.id ?? '');
});

test('a generation that somebody else retries at the time fails its item, and says which it is', async () => {
  const row = generationRow(newId('gen', 0), { created_at: NOW });
  await store.generations.insert(row);
  await store.generations.end(row.id, 'failed', { code: 'X', message: 'x' }, NOW);
  await store.objects.putOnce(`orgs/first/generations/${row.id}/request.json`, JSON.stringify(asks('good')));
  const f = await fixture({}, { kind: 'generations', ids: [row.id] });
  await store.generations.insert({ ...row, id: newId('gen', 0), retry_of: row.id });
  expect(await makeGenerations(f.job, { upTo: 4 }, f.deps)).toEqual({ made: 0 });
  const [item] = await store.batchItems.list('first', f.job.batchId, { limit: 10 });
  expect(item).toMatchObject({ status: 'failed', reason_code: 'RETRY_UNDER_WAY' });
  expect(item?.reason_message).toContain(row.id);
});

test('a request that is gone fails its item and not the batch', async () => {
  const f = await fixture({}, { kind: 'requests', count: 2 });
  expect(await makeGenerations(f.job, { upTo: 4 }, f.deps)).toEqual({ made: 0 });
  expect(await settleItems(f.job, 0, f.deps)).toMatchObject({ over: true });
  const batch = await store.batches.find('first', f.job.batchId);
  expect(batch).toMatchObject({
    status: 'done',
    reason_message: '0 signed, 2 failed, 0 errored, 0 cancelled',
  });
});

describe('what may be begun', () => {
  const answerUsd = () => 0.25;

  test('before anything ended, the longest answer is reserved for each; then what the dearest item cost', async () => {
    const f = await fixture({ cost_usd_max: 0.6 });
    const deps = { ...f.deps, models: { ...f.deps.models, answerUsd } };
    expect(await settleItems(f.job, 0, deps)).toMatchObject({ free: 2 });
    await makeGenerations(f.job, { upTo: 2 }, deps);
    expect(await settleItems(f.job, 0, deps)).toMatchObject({ free: 0, upTo: 2 });
    await env.DB.prepare(
      "INSERT INTO spend (generation_id, attempt, call, org_id, model, cost_usd, reserved_at, settled_at) SELECT id, 1, 1, 'first', 'm', 0.1, ?2, ?2 FROM generations WHERE batch_id = ?1",
    )
      .bind(f.job.batchId, NOW)
      .run();
    await endAll(f);
    expect(await settleItems(f.job, 0, deps)).toMatchObject({ free: 3 });
  });

  test('one item begins while anything is left of the cap, however small', async () => {
    const f = await fixture({ cost_usd_max: 0.01 });
    const deps = { ...f.deps, models: { ...f.deps.models, answerUsd } };
    expect(await settleItems(f.job, 0, deps)).toMatchObject({ free: 1 });
  });

  test('an answer without a price stops a batch that has a cap', async () => {
    const f = await fixture({ cost_usd_max: 1 });
    await makeGenerations(f.job, { upTo: 1 }, f.deps);
    await env.DB.prepare(
      "INSERT INTO spend (generation_id, attempt, call, org_id, model, reserved_at, settled_at) SELECT id, 1, 1, 'first', 'm', ?2, ?2 FROM generations WHERE batch_id = ?1",
    )
      .bind(f.job.batchId, NOW)
      .run();
    await endAll(f);
    expect(await settleItems(f.job, 0, f.deps)).toMatchObject({ over: true });
    expect(await store.batches.find('first', f.job.batchId)).toMatchObject({
      status: 'paused',
      reason_code: 'COST_UNKNOWN',
    });
  });

  test('nothing while the window is shut, and it is not looked at before it opens', async () => {
    const f = await fixture({ daily_from: 22 * 60, daily_to: 6 * 60 });
    const sixHoursMs = 6 * 3_600_000;
    expect(await settleItems(f.job, 0, f.deps)).toMatchObject({ over: false, free: 0, waitMs: sixHoursMs });
    const batch = await store.batches.find('first', f.job.batchId);
    expect(batch).toMatchObject({
      shut_until: '2026-01-01T22:00:00.000Z',
      next_look_at: '2026-01-01T18:00:00.000Z',
    });
    const open = { ...f.deps, now: () => new Date('2026-01-01T23:30:00.000Z') };
    expect(await settleItems(f.job, 0, open)).toMatchObject({ free: 4 });
  });

  test('looks come ever more seldom while nothing ends, and soon again when something did', async () => {
    const f = await fixture();
    const waits: number[] = [];
    await makeGenerations(f.job, { upTo: 4 }, f.deps);
    for (let waitMs = 0, n = 0; n < 7; n += 1) {
      waitMs = (await settleItems(f.job, waitMs, f.deps)).waitMs;
      waits.push(waitMs);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    await endAll(f);
    expect(await settleItems(f.job, 10_000, f.deps)).toMatchObject({ waitMs: 500, free: 2 });
  });
});
