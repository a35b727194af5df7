/** `POST /v1/generations/:id/cancel`. The row is the truth: whatever still runs stops when it sees it. */
import { Fault } from '../errors.ts';
import { terminateInstance } from '../instances.ts';
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
      await terminateInstance(context.get('config').workflow, id);
      await startEnd(context.get('config').deliver, store.deliveries, orgId, deliveryIdOf(id));
      return context.json(await generationDetailOf(store, orgId, id));
    },
  }),
];
