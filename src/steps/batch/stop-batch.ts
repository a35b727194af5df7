/** Pauses a batch that cannot go on through a fault of ours, with a reason a person can act on. */
import type { BatchJob } from '../../store/batches.ts';
import type { BatchDeps } from './deps.ts';

export async function stopBatch(
  job: BatchJob,
  reason: { readonly code: string; readonly message: string },
  deps: Pick<BatchDeps, 'store' | 'now'>,
): Promise<{ readonly paused: boolean }> {
  const batch = await deps.store.batches.find(job.orgId, job.batchId);
  if (batch?.instance !== job.instance) return { paused: false };
  return { paused: await deps.store.batches.pause(job.orgId, job.batchId, reason, deps.now().toISOString()) };
}
