/** `POST /v1/generations/:id/cancel`. The row is the truth: whatever still runs stops when it sees it. */
import type { Config } from '../env.ts';
import { Fault, messageOf } from '../errors.ts';
import { log } from '../logger.ts';
import { generationDetail } from '../schema/api.ts';
import { deliveryIdOf } from '../store/outbox.ts';
import { startEnd } from '../webhooks/start.ts';
import { findGeneration, generationDetailOf } from './find-generation.ts';
import { pathParam, type Route, route } from './route.ts';

export const cancelRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/generations/:id/cancel',
    summary: 'Cancel a generation',
    scope: 'generate',
    answers: {
      200: { description: 'It is cancelled; also when it was already.', schema: generationDetail },
    },
    errors: ['NOT_FOUND', 'GENERATION_DELETED', 'ALREADY_ENDED'],
    handle: async (context) => {
      const store = context.get('store');
      const orgId = context.get('orgId');
      const { id } = await findGeneration(store, orgId, pathParam(context, 'id'));
      const reason = { code: 'CANCELLED', message: 'cancelled by request' };
      if (!(await store.generations.end(id, 'cancelled', reason, new Date().toISOString()))) {
        const { status } = await findGeneration(store, orgId, id);
        if (status !== 'cancelled') throw new Fault('ALREADY_ENDED', `the generation is already ${status}`);
      }
      await stopInstance(context.get('config'), id);
      await startEnd(context.get('config').deliver, store.deliveries, orgId, deliveryIdOf(id));
      return context.json(await generationDetailOf(store, orgId, id));
    },
  }),
];

/** Stopping the engine only saves what a running step would still spend. */
async function stopInstance(config: Config, id: string): Promise<void> {
  try {
    const instance = await config.workflow.get(id);
    await instance.terminate();
  } catch (error) {
    log('warn', 'terminate_failed', { generation: id, message: messageOf(error) });
  }
}
