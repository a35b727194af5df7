/**
 * Goes on with webhooks that nobody works on: makes the instance that a crash kept from being made, wakes one that
 * sleeps past its time (local workerd resumes nothing by itself), and begins another round where the engine gave
 * one up.
 */
import { type Bindings, type Config, loadConfig } from '../env.ts';
import { messageOf } from '../errors.ts';
import { wakeInstance } from '../instances.ts';
import { log } from '../logger.ts';
import { openStore, type Store } from '../store/store.ts';
import { type DeliverWebhookParams, instanceIdOf, startDelivery } from '../webhooks/start.ts';

const MOST_PER_SWEEP = 100;
/** An engine that gives up again and again is no passing fault: then somebody has to ask for a retry. */
const MOST_ROUNDS = 20;

export interface DeliverySweep {
  started: number;
  woken: number;
  restarted: number;
  ended: number;
}

export async function wakeDeliveries(bindings: Bindings, now: Date): Promise<DeliverySweep> {
  const config = await loadConfig(bindings);
  const store = openStore(config.db, config.bucket);
  const before = new Date(now.getTime() - config.wakeAfterMs).toISOString();
  const sweep: DeliverySweep = { started: 0, woken: 0, restarted: 0, ended: 0 };
  for (const { id, org_id: orgId, round } of await store.deliveries.overdue(before, MOST_PER_SWEEP)) {
    try {
      sweep[await wake(config, store, { deliveryId: id, orgId, round }, now.toISOString())] += 1;
    } catch (error) {
      // One that cannot be woken must not keep the others waiting; the next sweep tries again.
      log('warn', 'wake_failed', { delivery: id, message: messageOf(error) });
    }
  }
  return sweep;
}

async function wake(
  config: Config,
  store: Store,
  job: DeliverWebhookParams,
  at: string,
): Promise<keyof DeliverySweep> {
  const found = await wakeInstance(config.deliver, instanceIdOf(job));
  if (found === 'woken') return 'woken';
  if (found === 'missing') {
    await startDelivery(config.deliver, job);
    return 'started';
  }
  const { deliveryId: id, orgId, round } = job;
  if (round >= MOST_ROUNDS) {
    await store.deliveries.giveUp(orgId, id, round, at);
    return 'ended';
  }
  if (await store.deliveries.restart(orgId, id, round, ['pending'], at)) {
    await startDelivery(config.deliver, { ...job, round: round + 1 });
  }
  return 'restarted';
}
