/**
 * The wake sweep of batches. One whose instance should have looked by now gets it woken; where there is none, or the
 * engine gave it up, a new one. The rows say everything, so a new instance goes on where the old one was.
 */
import { type Bindings, type Config, loadConfig } from '../env.ts';
import { messageOf } from '../errors.ts';
import { wakeInstance } from '../instances.ts';
import { log } from '../logger.ts';
import { type BatchJob, batchInstanceId } from '../store/batches.ts';
import { openStore, type Store } from '../store/store.ts';
import { startBatchInstance } from './batch-deps.ts';

const MOST_PER_SWEEP = 100;

/** Returns how many batches were due. */
export async function wakeBatches(bindings: Bindings, now: Date): Promise<number> {
  const config = await loadConfig(bindings);
  const store = openStore(config.db, config.bucket);
  const before = new Date(now.getTime() - config.wakeAfterMs).toISOString();
  const due = await store.batches.due(before, MOST_PER_SWEEP);
  for (const { id: batchId, org_id: orgId, instance } of due) {
    try {
      await wake(config, store, { batchId, orgId, instance }, now);
    } catch (error) {
      log('warn', 'wake_failed', { batch: batchId, message: messageOf(error) });
    }
  }
  return due.length;
}

async function wake(config: Config, store: Store, job: BatchJob, now: Date): Promise<void> {
  const found = await wakeInstance(config.batchWorkflow, batchInstanceId(job));
  if (found === 'woken') return;
  if (found === 'missing') return startBatchInstance(config, job);
  // Only who hands it on makes the next: of two sweeps at once, one.
  if (!(await store.batches.handOn(job, now.toISOString()))) return;
  await startBatchInstance(config, { ...job, instance: job.instance + 1 });
}
