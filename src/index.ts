/** Exports only: the fetch and cron handlers, the Workflows and the containers' Durable Objects. */
import { app } from './api/app.ts';
import type { Bindings } from './env.ts';
import { log } from './logger.ts';
import { keepHouse } from './workflows/keep-house.ts';
import { wakeBatches } from './workflows/wake-batches.ts';
import { wakeDeliveries } from './workflows/wake-deliveries.ts';
import { wakeStalled } from './workflows/wake-stalled.ts';

export { ContainerGate } from './sandboxes/container-gate.ts';
export { VerificationContainer } from './sandboxes/verification-container.ts';
export { TransparencyLog } from './tlog/service/transparency-log.ts';
export { Batch } from './workflows/batch.ts';
export { DeliverWebhook } from './workflows/deliver-webhook.ts';
export { GenerateRule } from './workflows/generate-rule.ts';

export default {
  fetch: app.fetch,
  scheduled: async (_controller, bindings) => {
    const now = new Date();
    const sweep = await wakeStalled(bindings, now);
    log('info', 'wake_sweep', { ...sweep });
    await wakeBatches(bindings, now);
    log('info', 'wake_deliveries', { ...(await wakeDeliveries(bindings, now)) });
    await keepHouse(bindings, now);
  },
} satisfies ExportedHandler<Bindings>;
