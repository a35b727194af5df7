/** A batch without an instance, whose steps a test drives by itself. */
import { env } from 'cloudflare:workers';
import { newId } from '../../src/api/ids.ts';
import type { Bindings } from '../../src/env.ts';
import type { BatchDeps } from '../../src/steps/batch/deps.ts';
import type { Job } from '../../src/steps/deps.ts';
import { putRequests } from '../../src/store/batch-requests.ts';
import type { ItemSource } from '../../src/store/batch-selection.ts';
import type { BatchJob, NewBatchRow } from '../../src/store/batches.ts';
import { openStore } from '../../src/store/store.ts';
import { openBatchDeps } from '../../src/workflows/batch-deps.ts';
import { asks } from './batch-client.ts';

export const store = openStore(env.DB, env.BUCKET);
export const NOW = '2026-01-01T12:00:00.000Z';

export interface Fixture {
  readonly job: BatchJob;
  readonly deps: BatchDeps;
  /** Instances that were asked for. */
  readonly started: Job[];
  readonly handedOn: BatchJob[];
}

/** Of six requests, four at once. */
export async function fixture(over: Partial<NewBatchRow> = {}, source?: ItemSource): Promise<Fixture> {
  const id = newId('batch', Date.now());
  const requests = Array.from({ length: 6 }, () => asks('good'));
  if (source === undefined) await putRequests(store.objects, 'first', id, requests);
  const row: NewBatchRow = {
    id,
    org_id: 'first',
    mode: 'regenerate',
    name: null,
    model: null,
    concurrency: 4,
    cost_usd_max: null,
    not_before: null,
    daily_from: null,
    daily_to: null,
    economy: 0,
    created_at: NOW,
    ...over,
  };
  await store.batches.insert(row, source ?? { kind: 'requests', count: requests.length }, null);
  const started: Job[] = [];
  const handedOn: BatchJob[] = [];
  const deps: BatchDeps = {
    ...(await openBatchDeps(env as Bindings)),
    now: () => new Date(NOW),
    startGeneration: (job) => Promise.resolve(void started.push(job)),
    startBatch: (job) => Promise.resolve(void handedOn.push(job)),
  };
  return { job: { batchId: id, orgId: 'first', instance: 1 }, deps, started, handedOn };
}

export async function rowsOf({ job }: Fixture): Promise<{ id: string; held: number; status: string }[]> {
  const { results } = await env.DB.prepare(
    'SELECT id, held, status FROM generations WHERE batch_id = ?1 ORDER BY id',
  )
    .bind(job.batchId)
    .all<{ id: string; held: number; status: string }>();
  return results;
}

export async function endAll(f: Fixture): Promise<void> {
  for (const { id } of await rowsOf(f))
    await store.generations.end(id, 'failed', { code: 'X', message: 'x' }, NOW);
}
