/** Batches: create, list, read, and their items. */
import { z } from 'zod';
import { Fault } from '../errors.ts';
import {
  batchDetail,
  batchPage,
  ITEM_STATUSES,
  itemPage,
  type NewBatch,
  newBatchSchema,
} from '../schema/batch.ts';
import type { BatchRow } from '../store/batches.ts';
import type { Store } from '../store/store.ts';
import { toBatch, toBatchDetail, toBatchItem } from './batch-views.ts';
import { CALLBACK_ERRORS } from './callback.ts';
import { idempotencyKeyOf, REPLAYED_HEADER } from './idempotency.ts';
import { KEY_HEADERS } from './made.ts';
import { makeBatch } from './make-batch.ts';
import { nextCursor, PAGE_LIMIT, pageQuery } from './page.ts';
import { pathParam, type Route, route } from './route.ts';

/** Ten thousand ids are 400 kB; requests come in their own right. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

const LOCATION = { location: 'Path of the batch.' };

const statuses = z
  .string()
  .max(200)
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(ITEM_STATUSES)))
  .optional();

export const batchRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/batches',
    summary: 'Start a batch: many generations under one id',
    scope: 'generate',
    headers: {
      ...KEY_HEADERS,
      'idempotency-key':
        'Makes asking again safe for 30 days: the same batch, unless it was cancelled. 1 to 255 printable ASCII characters without spaces.',
    },
    body: { schema: newBatchSchema, maxBytes: MAX_BATCH_BYTES },
    answers: {
      200: {
        description: 'It was asked for before; this is that batch.',
        schema: batchDetail,
        headers: { ...LOCATION, [REPLAYED_HEADER]: '"true"' },
      },
      202: { description: 'It was made and starts.', schema: batchDetail, headers: LOCATION },
    },
    errors: [
      ...CALLBACK_ERRORS,
      'NOT_FOUND',
      'NOT_ENDED',
      'NO_RULE',
      'BATCH_EMPTY',
      'BATCH_TOO_LARGE',
      'MODEL_NOT_ALLOWED',
      'COST_LIMIT_NEEDS_PRICE',
      'INVALID_IDEMPOTENCY_KEY',
      'IDEMPOTENCY_MISMATCH',
      'WORKFLOW_UNAVAILABLE',
    ],
    handle: async (context, { body }: { body: NewBatch }) => {
      const { config, store, orgId } = context.var;
      const { id, made } = await makeBatch(config, store, orgId, body, idempotencyKeyOf(context));
      context.header('location', `/v1/batches/${id}`);
      if (!made) context.header(REPLAYED_HEADER, 'true');
      return context.json(await batchDetailOf(store, orgId, id), made ? 202 : 200);
    },
  }),
  route({
    method: 'get',
    path: '/v1/batches',
    summary: 'List batches, newest first',
    scope: 'read',
    query: z.strictObject(pageQuery('batch')),
    answers: { 200: { description: 'A page.', schema: batchPage } },
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      const rows = await store.batches.list(orgId, query.cursor, query.limit);
      return context.json({ batches: rows.map(toBatch), nextCursor: nextCursor(rows, query.limit) });
    },
  }),
  route({
    method: 'get',
    path: '/v1/batches/:id',
    summary: 'A batch with its progress and what it spent',
    scope: 'read',
    answers: { 200: { description: 'The batch.', schema: batchDetail } },
    errors: ['NOT_FOUND'],
    handle: async (context) => {
      const { store, orgId } = context.var;
      return context.json(await batchDetailOf(store, orgId, pathParam(context, 'id')));
    },
  }),
  route({
    method: 'get',
    path: '/v1/batches/:id/items',
    summary: 'The items of a batch, in order',
    scope: 'read',
    query: z.strictObject({
      status: statuses.describe(`one or several, separated by commas: ${ITEM_STATUSES.join(', ')}`),
      cursor: z
        .string()
        .regex(/^[0-9]{1,5}$/)
        .transform(Number)
        .optional()
        .describe('nextCursor of the page before'),
      limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(50).describe('rows of one page'),
    }),
    answers: { 200: { description: 'A page.', schema: itemPage } },
    errors: ['NOT_FOUND'],
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      const { id } = await findBatch(store, orgId, pathParam(context, 'id'));
      const { status, cursor, limit } = query;
      const rows = await store.batchItems.list(orgId, id, { statuses: status, afterPosition: cursor, limit });
      const last = rows.length === limit ? rows.at(-1)?.position : undefined;
      return context.json({
        items: rows.map(toBatchItem),
        nextCursor: last === undefined ? null : String(last),
      });
    },
  }),
];

/** @throws Fault NOT_FOUND, also when it belongs to another organisation */
export async function findBatch(store: Store, orgId: string, id: string): Promise<BatchRow> {
  const row = await store.batches.find(orgId, id);
  if (row === null) throw new Fault('NOT_FOUND', `there is no batch ${JSON.stringify(id.slice(0, 100))}`);
  return row;
}

/** @throws Fault NOT_FOUND */
export async function batchDetailOf(store: Store, orgId: string, id: string) {
  const row = await findBatch(store, orgId, id);
  const { tally, pace } = await store.batchItems.progress(row.id);
  return toBatchDetail(row, tally, pace, Date.now());
}
