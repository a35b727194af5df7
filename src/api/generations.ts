/** Generations: create, list, read. */
import { generationDetail, generationPage } from '../schema/api.ts';
import { MAX_REQUEST_BYTES, requestSchema } from '../schema/request.ts';
import { CALLBACK_ERRORS, refuseCallback } from './callback.ts';
import { generationsQuerySchema, toGenerationFilter } from './filters.ts';
import { generationDetailOf } from './find-generation.ts';
import { idempotencyKeyOf, useKey } from './idempotency.ts';
import { KEY_HEADERS, MADE_ANSWERS } from './made.ts';
import { makeOnce } from './make-once.ts';
import { nextCursor } from './page.ts';
import { pathParam, type Route, route } from './route.ts';
import { refuseUnsupported, writeDraft } from './start-generation.ts';
import { toGeneration } from './views.ts';

export const generationRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/generations',
    summary: 'Start a generation',
    scope: 'generate',
    headers: KEY_HEADERS,
    body: { schema: requestSchema, maxBytes: MAX_REQUEST_BYTES },
    answers: MADE_ANSWERS,
    errors: [
      ...CALLBACK_ERRORS,
      'COST_LIMIT_NEEDS_PRICE',
      'INVALID_IDEMPOTENCY_KEY',
      'IDEMPOTENCY_MISMATCH',
      'WORKFLOW_UNAVAILABLE',
    ],
    handle: async (context, { body: request }) => {
      const { config, store, orgId } = context.var;
      const model = config.model.id;
      refuseUnsupported(request, model, config);
      await refuseCallback(context.var, request.callbackUrl);
      const key = idempotencyKeyOf(context);
      const operation = `generate\n${JSON.stringify(request)}`;
      return makeOnce(context, async () => {
        const use = await useKey(store, orgId, key, operation);
        if (use.existing !== null) return { existing: use.existing };
        return {
          make: async () => use.insert(await writeDraft(store, { orgId, request, model, retryOf: use.dead })),
        };
      });
    },
  }),
  route({
    method: 'get',
    path: '/v1/generations',
    summary: 'List generations, newest first',
    scope: 'read',
    query: generationsQuerySchema,
    answers: { 200: { description: 'A page.', schema: generationPage } },
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      const rows = await store.generations.list(orgId, toGenerationFilter(query));
      return context.json({
        generations: rows.map(toGeneration),
        nextCursor: nextCursor(rows, query.limit),
      });
    },
  }),
  route({
    method: 'get',
    path: '/v1/generations/:id',
    summary: 'A generation with its attempts and what it spent',
    scope: 'read',
    answers: { 200: { description: 'The generation.', schema: generationDetail } },
    errors: ['NOT_FOUND', 'GENERATION_DELETED'],
    handle: async (context) => {
      const id = pathParam(context, 'id');
      return context.json(await generationDetailOf(context.get('store'), context.get('orgId'), id));
    },
  }),
];
