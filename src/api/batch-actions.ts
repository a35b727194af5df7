/** What is done to a batch that is there: pause, resume, cancel, retry what failed. Asked for twice, each is done once. */
import type { Context } from 'hono';
import { Fault } from '../errors.ts';
import { terminateInstance } from '../instances.ts';
import { batchDetail, resumeSchema } from '../schema/batch.ts';
import { endCancelled } from '../store/end-cancelled.ts';
import { batchDeliveryIdOf } from '../store/outbox.ts';
import { startEnd } from '../webhooks/start.ts';
import { batchDetailOf, findBatch } from './batches.ts';
import type { AppEnv } from './context.ts';
import { startBatch } from './make-batch.ts';
import { type Answer, pathParam, type Route, route } from './route.ts';

const MAX_BODY_BYTES = 4 * 1024;
/** What one cancel ends before it answers; the instance ends the rest. */
const MOST_ENDED = 200;

const answers = (description: string): Readonly<Record<number, Answer>> => ({
  200: { description, schema: batchDetail },
});

const action = { method: 'post', scope: 'generate', errors: ['NOT_FOUND', 'ALREADY_ENDED'] } as const;

export const batchActionRoutes: readonly Route[] = [
  route({
    ...action,
    path: '/v1/batches/:id/pause',
    summary: 'Begin no more items of a batch; what is under way runs to its end',
    answers: answers('It is paused; also when it was already.'),
    handle: async (context) => {
      const { store, orgId } = context.var;
      const { id } = await findBatch(store, orgId, pathParam(context, 'id'));
      const reason = { code: 'PAUSED', message: 'paused by request' };
      if (!(await store.batches.pause(orgId, id, reason, now()))) await refuseUnless(context, id, 'paused');
      return context.json(await batchDetailOf(store, orgId, id));
    },
  }),
  route({
    ...action,
    path: '/v1/batches/:id/resume',
    summary: 'Go on with a paused batch',
    body: { schema: resumeSchema, maxBytes: MAX_BODY_BYTES, optional: true },
    answers: answers('It runs; also when it did already.'),
    handle: async (context, { body }) => {
      const { store, orgId } = context.var;
      const { id } = await findBatch(store, orgId, pathParam(context, 'id'));
      if (await store.batches.resume(orgId, id, body.costUsdMax, now())) await begin(context, id);
      else await refuseUnless(context, id, 'running');
      return context.json(await batchDetailOf(store, orgId, id));
    },
  }),
  route({
    ...action,
    path: '/v1/batches/:id/cancel',
    summary: 'Cancel a batch and every generation of it that has not ended',
    answers: answers('It is cancelled; also when it was already.'),
    handle: async (context) => {
      const { store, orgId } = context.var;
      const { id } = await findBatch(store, orgId, pathParam(context, 'id'));
      const reason = { code: 'CANCELLED', message: 'cancelled by request' };
      if (!(await store.batches.cancel(orgId, id, reason, now())))
        await refuseUnless(context, id, 'cancelled');
      const ended = await endCancelled(store, id, MOST_ENDED, now());
      for (const one of ended) await terminateInstance(context.get('config').workflow, one);
      await begin(context, id);
      const { instance } = await findBatch(store, orgId, id);
      const delivery = batchDeliveryIdOf({ batchId: id, instance });
      await startEnd(context.var.config.deliver, store.deliveries, orgId, delivery);
      return context.json(await batchDetailOf(store, orgId, id));
    },
  }),
  route({
    ...action,
    path: '/v1/batches/:id/retry-failed',
    summary: 'Begin the failed items of a batch again, and no others',
    answers: answers('They wait to be begun; without failed items nothing changes.'),
    handle: async (context) => {
      const { store, orgId } = context.var;
      const { id, status } = await findBatch(store, orgId, pathParam(context, 'id'));
      if (status === 'cancelled') throw new Fault('ALREADY_ENDED', 'the batch was cancelled; make a new one');
      if ((await store.batches.retryFailed(orgId, id, now())) > 0) await begin(context, id);
      return context.json(await batchDetailOf(store, orgId, id));
    },
  }),
];

function now(): string {
  return new Date().toISOString();
}

/** @throws Fault ALREADY_ENDED unless it is what was asked for */
async function refuseUnless(context: Context<AppEnv>, id: string, wanted: string): Promise<void> {
  const { status } = await findBatch(context.get('store'), context.get('orgId'), id);
  if (status !== wanted) throw new Fault('ALREADY_ENDED', `the batch is ${status}`);
}

/** Makes the instance whose turn it is, if there is anything to look for. */
async function begin(context: Context<AppEnv>, id: string): Promise<void> {
  const { config, store, orgId } = context.var;
  const row = await findBatch(store, orgId, id);
  if (row.next_look_at === null) return;
  await startBatch(config, { batchId: id, orgId, instance: row.instance });
}
