/** One step that looks at a batch: what it begins, and how long it stays. */
import { expect, test } from 'vitest';
import type { BatchDeps } from '../../src/steps/batch/deps.ts';
import { lookAtBatch } from '../../src/steps/batch/look-at-batch.ts';
import { endAll, type Fixture, fixture, NOW, rowsOf, store } from './batch-fixture.ts';

/** Its first look. Each wait is noted, and may change what the next look finds. */
async function looked(
  f: Fixture,
  stayMs: number,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
) {
  const waits: number[] = [];
  const wait: BatchDeps['wait'] = async (ms) => {
    waits.push(ms);
    await meanwhile();
  };
  const look = await lookAtBatch(f.job, { lastWaitMs: 0, stayMs }, { ...f.deps, wait });
  return { look, waits };
}

test('a look makes and starts what may be begun', async () => {
  const f = await fixture();
  const { look, waits } = await looked(f, 0);
  expect(look).toMatchObject({ over: false, waitMs: 500 });
  expect(await rowsOf(f)).toHaveLength(4);
  expect(f.started.map(({ generationId }) => generationId).sort()).toEqual(
    (await rowsOf(f)).map(({ id }) => id),
  );
  expect(waits).toEqual([]);
});

test('it stays while something ends, and begins the rest, until all is over', async () => {
  const f = await fixture();
  const { look, waits } = await looked(f, 5_000, () => endAll(f));
  expect(look).toMatchObject({ over: true });
  expect(waits).toEqual([500, 500]);
  expect(f.started).toHaveLength(6);
  expect((await store.batches.find('first', f.job.batchId))?.status).toBe('done');
});

test('it leaves when nothing ends, and says how long to wait', async () => {
  const f = await fixture();
  const { look, waits } = await looked(f, 5_000);
  expect(look).toMatchObject({ over: false, waitMs: 4_000 });
  expect(waits).toEqual([500, 1_000, 2_000]);
  expect(f.started).toHaveLength(4);
});

test('it leaves after its time even when there is always something to do', async () => {
  const f = await fixture({ concurrency: 1 });
  const { look, waits } = await looked(f, 1_200, () => endAll(f));
  expect(look).toMatchObject({ over: false, waitMs: 500 });
  expect(waits).toEqual([500, 500]);
  expect(f.started).toHaveLength(3);
});

test('it is over as soon as somebody pauses the batch', async () => {
  const f = await fixture();
  const reason = { code: 'PAUSED', message: 'x' };
  const pause = () => store.batches.pause('first', f.job.batchId, reason, NOW);
  const { look, waits } = await looked(f, 5_000, pause);
  expect(look).toMatchObject({ over: true });
  expect(waits).toEqual([500]);
});

test('it leaves at once when the provider is to be asked', async () => {
  const f = await fixture({ economy: 1 });
  // The first look makes all of them, the second hands them over.
  const { look, waits } = await looked(f, 5_000);
  expect(look).toMatchObject({ over: false, economy: true, turns: { submit: 1 } });
  expect(waits).toEqual([500]);
  expect(f.started).toHaveLength(0);
  expect(await rowsOf(f)).toHaveLength(6);
});
