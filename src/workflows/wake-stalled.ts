/**
 * Wakes generations that stopped moving. Locally, workerd does not resume instances after a crash or a
 * hot reload until something touches them; anywhere, a crash between the row and the instance leaves a
 * generation queued for ever. A wake-up of a live instance is a stray event and does nothing.
 */
import { type Bindings, type Config, type GenerateRuleParams, loadConfig } from '../env.ts';
import { messageOf } from '../errors.ts';
import { createInstance, wakeInstance } from '../instances.ts';
import { log } from '../logger.ts';
import { openStore, type Store } from '../store/store.ts';

const MOST_PER_SWEEP = 100;

export interface Sweep {
  woken: number;
  restarted: number;
  ended: number;
}

export async function wakeStalled(bindings: Bindings, now: Date): Promise<Sweep> {
  const config = await loadConfig(bindings);
  const store = openStore(config.db, config.bucket);
  const before = new Date(now.getTime() - config.wakeAfterMs).toISOString();
  const sweep: Sweep = { woken: 0, restarted: 0, ended: 0 };
  for (const { id, org_id: orgId } of await store.generations.stalled(before, MOST_PER_SWEEP)) {
    try {
      sweep[await wake(config, store, { generationId: id, orgId }, now)] += 1;
    } catch (error) {
      // One that cannot be woken must not keep the others asleep; the next sweep tries again.
      log('warn', 'wake_failed', { generation: id, org: orgId, message: messageOf(error) });
    }
  }
  return sweep;
}

async function wake(config: Config, store: Store, job: GenerateRuleParams, now: Date): Promise<keyof Sweep> {
  const id = job.generationId;
  const found = await wakeInstance(config.workflow, id);
  if (found === 'woken') return 'woken';
  if (found === 'missing') {
    await createInstance(config.workflow, id, job);
    return 'restarted';
  }
  await endLost(store, id, found, now);
  return 'ended';
}

/** The engine gave the instance up without our own end step; say so instead of staying alive for ever. */
function endLost(store: Store, id: string, status: string, now: Date): Promise<boolean> {
  const reason = {
    code: 'WORKFLOW_LOST',
    message: `the workflow is ${status} without a result. Nothing was published; retry the generation`,
  };
  return store.generations.end(id, 'errored', reason, now.toISOString());
}
