/** Generations: create, list, read, follow, cancel. */
import { Hono } from 'hono';
import { z } from 'zod';
import type { Config } from '../env.ts';
import { Fault, messageOf } from '../errors.ts';
import { priceOf } from '../models/pricing.ts';
import { sha256Hex } from '../rules/digest.ts';
import { GENERATION_STATUSES, type Generation } from '../schema/api.ts';
import { DEFAULT_ATTEMPTS, MAX_REQUEST_BYTES, type RuleRequest, requestSchema } from '../schema/request.ts';
import { keys } from '../store/objects.ts';
import type { Store } from '../store/store.ts';
import { readBody } from './body.ts';
import type { AppEnv } from './context.ts';
import { findGeneration } from './find-generation.ts';
import { newGenerationId } from './ids.ts';
import { parseQuery } from './query.ts';
import { toDetail, toGeneration } from './views.ts';

/** Shown in lists; the whole prompt is in the stored request. */
const PROMPT_EXCERPT_CHARS = 200;

const listQuery = z.strictObject({
  status: z.enum(GENERATION_STATUSES).optional(),
  cursor: z
    .string()
    .regex(/^gen-[0-9a-z]{26}$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});
const eventsQuery = z.strictObject({ after: z.coerce.number().int().min(0).default(0) });
const MOST_EVENTS = 500;

export const generations = new Hono<AppEnv>()
  .post('/', async (context) => {
    const config = context.get('config');
    const request = await readBody(context, requestSchema, MAX_REQUEST_BYTES);
    refuseUnsupported(request, config);
    const created = await create(request, context.get('orgId'), config, context.get('store'));
    context.header('location', `/v1/generations/${created.id}`);
    return context.json(created, 202);
  })
  .get('/', async (context) => {
    const query = parseQuery(context, listQuery);
    const rows = await context.get('store').generations.list(context.get('orgId'), {
      status: query.status,
      beforeId: query.cursor,
      limit: query.limit,
    });
    const nextCursor = rows.length === query.limit ? (rows.at(-1)?.id ?? null) : null;
    return context.json({ generations: rows.map(toGeneration), nextCursor });
  })
  .get('/:id', async (context) => {
    return context.json(await detail(context.get('store'), context.get('orgId'), context.req.param('id')));
  })
  .get('/:id/events', async (context) => {
    const { after } = parseQuery(context, eventsQuery);
    const store = context.get('store');
    const { id } = await findGeneration(store, context.get('orgId'), context.req.param('id'));
    return context.json({ events: await store.events.after(context.get('orgId'), id, after, MOST_EVENTS) });
  })
  .post('/:id/cancel', async (context) => {
    const store = context.get('store');
    const orgId = context.get('orgId');
    const { id } = await findGeneration(store, orgId, context.req.param('id'));
    const reason = { code: 'CANCELLED', message: 'cancelled by request' };
    if (!(await store.generations.end(id, 'cancelled', reason, new Date().toISOString()))) {
      const { status } = await findGeneration(store, orgId, id);
      if (status !== 'cancelled') throw new Fault('ALREADY_ENDED', `the generation is already ${status}`);
    }
    await stopInstance(context.get('config'), id);
    return context.json(await detail(store, orgId, id));
  });

async function create(
  request: RuleRequest,
  orgId: string,
  config: Config,
  store: Store,
): Promise<Generation> {
  const id = newGenerationId();
  const text = JSON.stringify(request);
  await store.objects.putOnce(keys.request(orgId, id), text);
  await store.generations.insert({
    id,
    org_id: orgId,
    name: request.name ?? null,
    prompt_excerpt: request.prompt.slice(0, PROMPT_EXCERPT_CHARS),
    request_sha256: await sha256Hex(text),
    model: config.model.id,
    cases_total: request.cases.length,
    attempts_max: request.limits?.attempts ?? DEFAULT_ATTEMPTS,
    created_at: new Date().toISOString(),
  });
  await startInstance(config, store, id, orgId);
  return toGeneration(await findGeneration(store, orgId, id));
}

async function startInstance(config: Config, store: Store, id: string, orgId: string): Promise<void> {
  try {
    await config.workflow.create({ id, params: { generationId: id, orgId } });
  } catch (error) {
    const reason = {
      code: 'WORKFLOW_UNAVAILABLE',
      message: 'the workflow could not be started; retry the generation',
    };
    await store.generations.end(id, 'errored', reason, new Date().toISOString());
    throw new Fault('WORKFLOW_UNAVAILABLE', 'the workflow could not be started; try again', { cause: error });
  }
}

/** The row is the truth; stopping the engine only saves what a running step would still spend. */
async function stopInstance(config: Config, id: string): Promise<void> {
  try {
    const instance = await config.workflow.get(id);
    await instance.terminate();
  } catch (error) {
    console.warn(
      JSON.stringify({ level: 'warn', event: 'terminate_failed', generation: id, message: messageOf(error) }),
    );
  }
}

function refuseUnsupported(request: RuleRequest, config: Config): void {
  if (request.limits?.costUsd !== undefined && priceOf(config.model.prices, config.model.id) === null) {
    throw new Fault(
      'COST_LIMIT_NEEDS_PRICE',
      `limits.costUsd cannot be kept: no price is configured for ${config.model.id}`,
    );
  }
}

async function detail(store: Store, orgId: string, id: string) {
  const row = await findGeneration(store, orgId, id);
  const [attempts, cases, spend] = await Promise.all([
    store.attempts.listOf(orgId, id),
    store.attempts.casesOf(orgId, id),
    store.spend.totals(orgId, id),
  ]);
  return toDetail(row, attempts, cases, spend);
}
