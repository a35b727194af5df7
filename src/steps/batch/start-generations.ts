/**
 * Starts the Workflow instances of generations that were made and are held, and lets them go. Run again it finds the
 * instances there; a generation that was cancelled meanwhile is none of them.
 */
import type { BatchJob } from '../../store/batches.ts';
import type { BatchDeps } from './deps.ts';

/** No more than a batch can have under way at once. */
const MOST_STARTED = 100;

export interface Started {
  readonly started: number;
}

/** @throws Fault WORKFLOW_UNAVAILABLE */
export async function startGenerations(job: BatchJob, deps: BatchDeps): Promise<Started> {
  const { batchItems, batches, generations } = deps.store;
  const batch = await batches.find(job.orgId, job.batchId);
  if (batch?.status !== 'running' || batch.instance !== job.instance) return { started: 0 };
  // In economy mode more is begun than may run at once: it waited for the provider.
  const free = batch.concurrency - (await batchItems.running(job.batchId));
  const ids = free <= 0 ? [] : await batchItems.held(job.batchId, Math.min(free, MOST_STARTED));
  // One after the other: each makes a database of its own, and whoever reads meanwhile waits for one, not for all.
  for (const generationId of ids) await deps.startGeneration({ generationId, orgId: job.orgId });
  await generations.letGo(ids, deps.now().toISOString());
  return { started: ids.length };
}
