/** Delivers one webhook: an attempt, a wait, and again, until it is delivered or given up. One instance per round. */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { Bindings } from '../env.ts';
import { deliverWebhook } from '../steps/deliver-webhook.ts';
import type { DeliverWebhookParams } from '../webhooks/start.ts';
import { openDeliveryDeps } from './deps.ts';
import { durable } from './durable.ts';
import { policies } from './policies.ts';

export class DeliverWebhook extends WorkflowEntrypoint<Bindings, DeliverWebhookParams> {
  override async run(
    event: Readonly<WorkflowEvent<DeliverWebhookParams>>,
    step: WorkflowStep,
  ): Promise<void> {
    const job = event.payload;
    for (let n = 1; ; n += 1) {
      const { waitMs } = await durable(
        step,
        policies.deliver(n),
        async () => deliverWebhook(job, n, await openDeliveryDeps(this.env)),
        { about: { delivery: job.deliveryId, org: job.orgId } },
      );
      if (waitMs === null) return;
      await step.sleep(`wait ${n}`, waitMs);
    }
  }
}
