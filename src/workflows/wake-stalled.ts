/**
 * Wakes generations that stopped moving. Locally, workerd does not resume instances after a crash or a
 * hot reload until something touches them; anywhere, a crash between the row and the instance leaves a
 * generation queued for ever. A wake-up of a live instance is a stray event and does nothing.
 */
import { type Bindings, loadConfig } from '../env.ts';
import { messageOf } from '../errors.ts';
import { openStore, type Store } from '../store/store.ts';

const MOST_PER_SWEEP = 100;

export interface Sweep {
  readonly woken: number;
  readonly restarted: number;
  readonly ended: number;
}

export async function wakeStalled(bindings: Bindings, now: Date): Promise<Sweep> {
  const config = await loadConfig(bindings);
  const store = openStore(config.db, config.bucket);
  const before = new Date(now.getTime() - config.wakeAfterMs).toISOString();
  const sweep = { woken: 0, restarted: 0, ended: 0 };
  for (const { id, org_id: orgId } of await store.generations.stalled(before, MOST_PER_SWEEP)) {
    const instance = await config.workflow.get(id).catch(() => null);
    if (instance === null) {
      await config.workflow.create({ id, params: { generationId: id, orgId } });
      sweep.restarted += 1;
      continue;
    }
    const { status } = await instance.status();
    if (status === 'complete' || status === 'errored' || status === 'terminated') {
      sweep.ended += (await endLost(store, id, status, now)) ? 1 : 0;
    } else {
      await instance.sendEvent({ type: 'wake', payload: {} }).catch((error: unknown) => {
        console.warn(
          JSON.stringify({ level: 'warn', event: 'wake_failed', generation: id, message: messageOf(error) }),
        );
      });
      sweep.woken += 1;
    }
  }
  return sweep;
}

/** The engine gave the instance up without our own end step; say so instead of staying alive for ever. */
function endLost(store: Store, id: string, status: string, now: Date): Promise<boolean> {
  const reason = {
    code: 'WORKFLOW_LOST',
    message: `the workflow is ${status} without a result. Nothing was signed; retry the generation`,
  };
  return store.generations.end(id, 'errored', reason, now.toISOString());
}
