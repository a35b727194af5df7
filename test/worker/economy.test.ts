/** Batches in economy mode through the real workflows: who is asked, how often, at what price, and what is signed. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { Bindings } from '../../src/env.ts';
import type { GenerationDetail, GenerationEvent } from '../../src/schema/api.ts';
import type { FirstTurnBatchRow } from '../../src/store/first-turns.ts';
import { openBatchDeps } from '../../src/workflows/batch-deps.ts';
import { wakeBatches } from '../../src/workflows/wake-batches.ts';
import { wakeStalled } from '../../src/workflows/wake-stalled.ts';
import { act, asks, itemsOf, read, start, until, untilDone } from './batch-client.ts';
import { call } from './client.ts';

const economy = (scripts: readonly string[], more: object = {}) =>
  start({ mode: 'regenerate', economy: true, requests: scripts.map((script) => asks(script)), ...more });

async function turnsOf(batchId: string): Promise<FirstTurnBatchRow[]> {
  const { results } = await env.DB.prepare('SELECT * FROM first_turn_batches WHERE batch_id = ?1 ORDER BY n')
    .bind(batchId)
    .all<FirstTurnBatchRow>();
  return results;
}

async function generationsOf(batchId: string): Promise<GenerationDetail[]> {
  const items = await itemsOf(batchId);
  const answers = items.map(({ generationId }) => call<GenerationDetail>(`/v1/generations/${generationId}`));
  return (await Promise.all(answers)).map(({ body }) => body);
}

/** Kinds of calls of attempt 1 and how many replies, as everybody sees them. */
async function shownOf(id: string): Promise<string> {
  const { body } = await call<{ events: GenerationEvent[] }>(`/v1/generations/${id}/events`);
  const first = body.events.filter(({ data }) => data.attempt === 1);
  const calls = first.filter(({ type }) => type === 'model_called').map(({ data }) => data.batch ?? false);
  return `${calls.join(' ')}, ${first.filter(({ type }) => type === 'replied').length}`;
}

async function ledgerOf(batchId: string): Promise<string[]> {
  const { results } = await env.DB.prepare(
    `SELECT s.call, s.stop_reason FROM spend s JOIN batch_items i ON i.generation_id = s.generation_id
     WHERE i.batch_id = ?1 ORDER BY i.position, s.attempt, s.call`,
  )
    .bind(batchId)
    .all<{ call: number; stop_reason: string | null }>();
  return results.map((row) => `${row.call} ${row.stop_reason}`);
}

const untilAsked = async (id: string) => {
  await expect.poll(async () => (await turnsOf(id))[0]?.provider_id, { timeout: 20_000 }).toBeTruthy();
};

test('every first turn is asked in one provider batch, and what has no answer there asks alone', async () => {
  const scripts = ['good', 'batchsilent', 'batcherror', 'batchexpired', 'batchlost', 'refusal'];
  const batch = await economy(scripts, { concurrency: 4 });
  const done = await untilDone(batch.id);
  expect(done).toMatchObject({ economy: true, progress: { signed: 5, failed: 1, underWay: 0 } });
  const turns = await turnsOf(batch.id);
  expect(turns).toEqual([expect.objectContaining({ requests: 6, answered: 4, outcome: 'collected' })]);

  const generations = await generationsOf(batch.id);
  expect(generations.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual([
    'signed 1',
    'signed 2',
    'signed 1',
    'signed 1',
    'signed 1',
    'failed 1',
  ]);
  expect(await Promise.all(generations.map(({ id }) => shownOf(id)))).toEqual([
    'true, 1',
    'true, 1',
    'true false, 1',
    'true false, 1',
    'true, 1',
    'true, 1',
  ]);
  expect(await ledgerOf(batch.id)).toEqual([
    ...['1 end_turn', '1 end_turn', '1 end_turn'],
    ...['1 batch_errored', '2 end_turn', '1 batch_expired', '2 end_turn', '1 end_turn'],
    '1 refusal',
  ]);
  const spent = generations.reduce((sum, { spend }) => sum + (spend.costUsd ?? 0), 0);
  expect(done.spend.costUsd).toBeCloseTo(spent, 12);
  expect(generations.every(({ spend }) => spend.unanswered === 0)).toBe(true);

  // What failed is asked in a provider batch again.
  await act(batch.id, 'retry-failed');
  expect((await untilDone(batch.id)).progress).toMatchObject({ failed: 1, signed: 5 });
  expect((await turnsOf(batch.id)).map(({ n, requests }) => [n, requests])).toEqual([
    [1, 6],
    [2, 1],
  ]);
});

describe('while the provider works', () => {
  test('the sweeps leave what is held alone, and a lost instance is replaced without asking again', async () => {
    const { id } = await economy(['batchhang', 'good']);
    await untilAsked(id);
    expect((await read(id)).progress).toMatchObject({ underWay: 2, asked: 2 });
    await env.BATCH.get(`${id}-1`).then((instance) => instance.terminate());
    const later = new Date(Date.now() + 600_000);
    await wakeStalled(env as Bindings, later);
    expect((await generationsOf(id)).map(({ status }) => status)).toEqual(['queued', 'queued']);
    // Its time is over, for the provider and for us.
    await env.DB.prepare(
      "UPDATE first_turn_batches SET reserved_at = '2026-01-01T00:00:00.000Z' WHERE batch_id = ?1",
    )
      .bind(id)
      .run();
    await wakeBatches(env as Bindings, later);
    expect((await untilDone(id)).progress).toMatchObject({ signed: 2 });
    expect(await turnsOf(id)).toMatchObject([{ requests: 2, answered: 1, outcome: 'collected' }]);
    expect(await ledgerOf(id)).toEqual(['1 batch_canceled', '2 end_turn', '1 end_turn']);
  });

  test('a cancel ends the provider batch, and answers that are paid for are in the ledger', async () => {
    const { id } = await economy(['batchhang', 'good', 'good']);
    await untilAsked(id);
    expect((await act(id, 'cancel')).body.status).toBe('cancelled');
    await expect.poll(async () => (await turnsOf(id))[0]?.outcome, { timeout: 20_000 }).toBe('collected');
    const [turns] = await turnsOf(id);
    const { economy: ours } = await openBatchDeps(env as Bindings);
    expect(await ours.batches.find(turns?.provider_id ?? '')).toMatchObject({ ended: true });
    expect(await ledgerOf(id)).toEqual(['1 batch_canceled', '1 end_turn', '1 end_turn']);
    const ended = await read(id);
    expect(ended.progress).toMatchObject({ cancelled: 3, underWay: 0 });
    const generations = await generationsOf(id);
    const spent = generations.reduce((sum, { spend }) => sum + (spend.costUsd ?? 0), 0);
    expect(spent).toBeGreaterThan(0);
    expect(ended.spend.costUsd).toBeCloseTo(spent, 12);
    const nextLook = () => env.DB.prepare('SELECT next_look_at FROM batches WHERE id = ?1').bind(id).first();
    await expect.poll(nextLook, { timeout: 20_000 }).toEqual({ next_look_at: null });
  });

  test('a paused batch hands nothing over; resumed it does', async () => {
    const window = { notBefore: new Date(Date.now() + 3_600_000).toISOString() };
    const { id } = await economy(['good'], { window });
    await until(id, ({ shutUntil }) => shutUntil !== null);
    await act(id, 'pause');
    await env.DB.prepare('UPDATE batches SET not_before = NULL WHERE id = ?1').bind(id).run();
    await wakeBatches(env as Bindings, new Date(Date.now() + 600_000));
    expect(await turnsOf(id)).toEqual([]);
    await act(id, 'resume');
    expect((await untilDone(id)).progress.signed).toBe(1);
    expect(await turnsOf(id)).toHaveLength(1);
  });
});
