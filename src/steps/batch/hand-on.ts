/** Hands a batch on to a new Workflow instance, so that no instance grows without bound. Run again it does nothing more. */
import type { BatchJob } from '../../store/batches.ts';
import type { BatchDeps } from './deps.ts';

export async function handOn(job: BatchJob, deps: BatchDeps): Promise<{ readonly instance: number | null }> {
  await deps.store.batches.handOn(job, deps.now().toISOString());
  const batch = await deps.store.batches.find(job.orgId, job.batchId);
  const next = job.instance + 1;
  if (batch === null || batch.instance !== next || batch.next_look_at === null) return { instance: null };
  await deps.startBatch({ ...job, instance: next });
  return { instance: next };
}
