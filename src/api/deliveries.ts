/** Webhooks that were or are to be delivered: listed, read with every attempt, and delivered again when asked. */
import type { Context } from 'hono';
import { z } from 'zod';
import { Fault } from '../errors.ts';
import {
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryDetail,
  deliveryDetail,
  deliveryPage,
} from '../schema/webhooks.ts';
import type { DeliveryAttemptRow, DeliveryRow } from '../store/deliveries.ts';
import { startDelivery } from '../webhooks/start.ts';
import { webhooksOf } from './callback.ts';
import type { AppEnv } from './context.ts';
import { nextCursor, pageQuery } from './page.ts';
import { pathParam, type Route, route } from './route.ts';

const MAX_TEXT_CHARS = 200;

const subjectId = z.string().min(1).max(MAX_TEXT_CHARS).optional();

const deliveriesQuery = z.strictObject({
  generation: subjectId.describe('id of the generation whose end is told'),
  batch: subjectId.describe('id of the batch whose end is told'),
  status: z
    .string()
    .max(MAX_TEXT_CHARS)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(DELIVERY_STATUSES)))
    .optional()
    .describe(`one or several, separated by commas: ${DELIVERY_STATUSES.join(', ')}`),
  ...pageQuery('dlv'),
});

export const deliveryRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/deliveries',
    summary: 'List webhooks, those of the newest generations first',
    scope: 'read',
    query: deliveriesQuery,
    answers: { 200: { description: 'A page.', schema: deliveryPage } },
    handle: async (context, { query }) => {
      const { generation: generationId, batch: batchId, status: statuses, cursor: beforeId, limit } = query;
      const filter = { generationId, batchId, statuses, beforeId, limit };
      const rows = await context.var.store.deliveries.list(context.var.orgId, filter);
      return context.json({ deliveries: rows.map(toDelivery), nextCursor: nextCursor(rows, limit) });
    },
  }),
  route({
    method: 'get',
    path: '/v1/deliveries/:id',
    summary: 'A webhook with its body and every attempt',
    scope: 'read',
    answers: { 200: { description: 'The webhook.', schema: deliveryDetail } },
    errors: ['NOT_FOUND'],
    handle: async (context) => context.json(await detailOf(context, await findDelivery(context))),
  }),
  route({
    method: 'post',
    path: '/v1/deliveries/:id/retry',
    summary: 'Deliver a webhook again, now: the same id and the same body',
    scope: 'generate',
    answers: { 202: { description: 'It is tried at once.', schema: deliveryDetail } },
    errors: ['NOT_FOUND', 'WEBHOOKS_NOT_CONFIGURED', 'WORKFLOW_UNAVAILABLE'],
    handle: async (context) => {
      const { config, store, orgId } = context.var;
      webhooksOf(config);
      const { id, round, status, next_at: nextAt } = await findDelivery(context);
      const at = new Date().toISOString();
      // A second click: the attempt that the first one asked for is due, or runs. Of two at once, one restarts.
      const underWay = status === 'pending' && nextAt <= at;
      if (!underWay) await store.deliveries.restart(orgId, id, round, DELIVERY_STATUSES, at);
      const now = await findDelivery(context);
      await startDelivery(config.deliver, { deliveryId: id, orgId, round: now.round }).catch((cause) => {
        throw new Fault('WORKFLOW_UNAVAILABLE', 'it could not be started now; it is tried soon', { cause });
      });
      return context.json(await detailOf(context, now), 202);
    },
  }),
];

/** @throws Fault NOT_FOUND, also when it belongs to another organisation */
async function findDelivery(context: Context<AppEnv>): Promise<DeliveryRow> {
  const id = pathParam(context, 'id');
  const row = await context.var.store.deliveries.find(context.var.orgId, id);
  if (row !== null) return row;
  throw new Fault('NOT_FOUND', `there is no delivery ${JSON.stringify(id.slice(0, 100))}`);
}

async function detailOf(context: Context<AppEnv>, row: DeliveryRow): Promise<DeliveryDetail> {
  const attempts = await context.var.store.deliveries.attemptsOf(row.org_id, row.id);
  return { ...toDelivery(row), body: row.body, attempts: attempts.map(toAttempt) };
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    status: row.status,
    event: row.event,
    subject: { kind: row.subject_kind, id: row.subject_id },
    url: row.url,
    round: row.round,
    createdAt: row.created_at,
    nextAttemptAt: row.status === 'pending' ? row.next_at : null,
    endedAt: row.ended_at,
  };
}

function toAttempt(row: DeliveryAttemptRow): DeliveryDetail['attempts'][number] {
  return {
    round: row.round,
    n: row.n,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    status: row.status,
    problem: row.problem,
  };
}
