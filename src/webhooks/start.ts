/**
 * Starts the Workflow instance of a delivery. One instance works on one round of one delivery, so asking twice
 * starts one. Whatever fails here is mended by the wake sweep: the outbox has the row.
 */
import { messageOf } from '../errors.ts';
import { type Creates, createInstance } from '../instances.ts';
import { log } from '../logger.ts';
import type { DeliveryStore } from '../store/deliveries.ts';

export interface DeliverWebhookParams {
  readonly deliveryId: string;
  readonly orgId: string;
  readonly round: number;
}

type Starter = Creates<DeliverWebhookParams>;

export type Outbox = Pick<DeliveryStore, 'find'>;

export function instanceIdOf(job: DeliverWebhookParams): string {
  return `${job.deliveryId}-${job.round}`;
}

/** Does nothing when it was started before. */
export async function startDelivery(workflow: Starter, job: DeliverWebhookParams): Promise<void> {
  await createInstance(workflow, instanceIdOf(job), job);
}

/**
 * Starts what the end of a generation or batch put into the outbox, if anything. What has ended must not fail for
 * a webhook: a start that fails is noted, and left to the sweep.
 */
export async function startEnd(
  workflow: Starter,
  deliveries: Outbox,
  orgId: string,
  deliveryId: string,
): Promise<void> {
  try {
    const row = await deliveries.find(orgId, deliveryId);
    if (row?.status !== 'pending') return;
    await startDelivery(workflow, { deliveryId: row.id, orgId, round: row.round });
  } catch (error) {
    const message = messageOf(error);
    log('warn', 'delivery_not_started', { delivery: deliveryId, message });
  }
}
