/**
 * `POST /v1/generations/:id/retry`: a new generation linked to one that has ended, which stays as it was. Asked
 * for twice at once it makes one. What a signed rule stands for is not repeated unless `force` says so.
 */
import type { Context } from 'hono';
import type { Config } from '../env.ts';
import { Fault } from '../errors.ts';
import { sha256Hex } from '../rules/digest.ts';
import { hasEnded } from '../schema/api.ts';
import { type Retry, retrySchema } from '../schema/lineage.ts';
import { type RuleRequest, requestSchema } from '../schema/request.ts';
import { askOne } from '../store/ask.ts';
import type { GenerationRow, LineRow } from '../store/generations.ts';
import { keys } from '../store/objects.ts';
import type { Store } from '../store/store.ts';
import { CALLBACK_ERRORS, refuseCallback } from './callback.ts';
import type { AppEnv } from './context.ts';
import { findGeneration } from './find-generation.ts';
import { aliveOf, idempotencyKeyOf, signedOf, useKey } from './idempotency.ts';
import { KEY_HEADERS, MADE_ANSWERS } from './made.ts';
import { type Look, makeOnce } from './make-once.ts';
import { pathParam, type Route, route } from './route.ts';
import { type Draft, refuseUnsupported, writeDraft } from './start-generation.ts';

const MAX_BODY_BYTES = 32 * 1024;
/** Stands for feedback where an attempt was not judged: what the person says is in the request. */
const UNJUDGED =
  'This answer was not judged. Take the guidance of the request into account and answer with the complete object again.';

export const retryRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/generations/:id/retry',
    summary: 'Make a new generation of one that has ended',
    scope: 'generate',
    headers: KEY_HEADERS,
    body: { schema: retrySchema, maxBytes: MAX_BODY_BYTES, optional: true },
    answers: MADE_ANSWERS,
    errors: [
      'NOT_FOUND',
      'GENERATION_DELETED',
      'NOT_ENDED',
      'ALREADY_SIGNED',
      'RETRY_UNDER_WAY',
      'NOTHING_TO_GO_ON_FROM',
      ...CALLBACK_ERRORS,
      'MODEL_NOT_ALLOWED',
      'COST_LIMIT_NEEDS_PRICE',
      'INVALID_IDEMPOTENCY_KEY',
      'IDEMPOTENCY_MISMATCH',
      'WORKFLOW_UNAVAILABLE',
      'STORE_MISSING',
      'STORE_CONFLICT',
    ],
    handle: async (context, { body }) => {
      const original = await findGeneration(
        context.get('store'),
        context.get('orgId'),
        pathParam(context, 'id'),
      );
      if (!hasEnded(original.status)) {
        throw new Fault('NOT_ENDED', `the generation is ${original.status}; cancel it first`);
      }
      const operation = `retry ${original.id}\n${JSON.stringify(body)}`;
      const wish = { original, retry: body, operation, digest: await sha256Hex(operation) };
      const key = idempotencyKeyOf(context);
      return makeOnce(context, () => look(context, wish, key));
    },
  }),
];

/** A retry as it is written: of what, with which changes, and the digest that tells it from another one. */
export interface RetryWish {
  readonly original: GenerationRow;
  readonly retry: Retry;
  readonly digest: string;
}

interface Wish extends RetryWish {
  readonly operation: string;
}

async function look(context: Context<AppEnv>, wish: Wish, key: string | null): Promise<Look> {
  const { config, store, orgId } = context.var;
  const { original, retry } = wish;
  const use = await useKey(store, orgId, key, wish.operation);
  if (use.existing !== null) return { existing: use.existing };
  const line = await askOne(store.generations.lineOf(orgId, original.id));
  const alive = aliveOf(line);
  if (alive !== null) return { existing: sameWish(alive, wish.digest) };
  const signed = signedOf(line);
  if (signed !== null && retry.force !== true) {
    const which = signed.id === original.id ? 'it' : `its retry ${signed.id}`;
    throw new Fault('ALREADY_SIGNED', `${which} is signed; say "force" to generate it again`, {
      details: { generation: signed.id },
    });
  }
  const draft = await draftOf(wish, config, store);
  return {
    make: async () => use.insert(await writeDraft(store, draft)),
  };
}

/** @throws Fault RETRY_UNDER_WAY when the live one was asked for with other options */
function sameWish(alive: LineRow, digest: string): string {
  if (alive.retry_sha256 === digest) return alive.id;
  throw new Fault('RETRY_UNDER_WAY', `another retry of it is alive: ${alive.id}`, {
    details: { generation: alive.id },
  });
}

/** @throws Fault STORE_MISSING | STORE_CONFLICT | MODEL_NOT_ALLOWED | COST_LIMIT_NEEDS_PRICE | NOTHING_TO_GO_ON_FROM */
export async function draftOf(wish: RetryWish, config: Config, store: Store): Promise<Draft> {
  const { original, retry, digest } = wish;
  const orgId = original.org_id;
  const text = await store.objects.get(keys.request(orgId, original.id));
  if (text === null) throw new Fault('STORE_MISSING', 'the stored request of this generation is missing');
  const stored = requestSchema.safeParse(JSON.parse(text));
  if (!stored.success) throw new Fault('STORE_CONFLICT', 'the stored request of this generation is none');
  if (original.reverifies !== null) return reverification(wish, stored.data, original.reverifies);
  const request = changed(stored.data, retry);
  const kept = config.model.allowed.includes(original.model) ? original.model : config.model.id;
  const model = retry.model ?? kept;
  refuseUnsupported(request, model, config);
  await refuseCallback({ config, store, orgId }, request.callbackUrl);
  const draft: Draft = { orgId, request, model, retryOf: original.id, retrySha256: digest };
  if (retry.fromAttempt === undefined) return draft;
  return { ...draft, from: await earlier(original, retry.fromAttempt, retry.guidance, store) };
}

/** The same rule is verified once more; there is nobody to advise. */
function reverification(
  { original, retry, digest }: RetryWish,
  request: RuleRequest,
  reverifies: string,
): Draft {
  const { force: _said, ...forTheModel } = retry;
  if (Object.values(forTheModel).some((value) => value !== undefined)) {
    throw new Fault(
      'INVALID_REQUEST',
      'this generation verifies a rule again, which asks no model: say nothing but "force"',
    );
  }
  const { org_id: orgId, id: retryOf, model } = original;
  return { orgId, request, model, retryOf, retrySha256: digest, reverifies };
}

function changed(request: RuleRequest, { guidance, attempts }: Retry): RuleRequest {
  return {
    ...request,
    ...(guidance === undefined ? {} : { guidance }),
    ...(attempts === undefined ? {} : { limits: { ...request.limits, attempts } }),
  };
}

/** What the model said and was told; without feedback, guidance has to say what to change. */
async function earlier(
  original: GenerationRow,
  attempt: number,
  guidance: string | undefined,
  store: Store,
): Promise<NonNullable<Draft['from']>> {
  const [reply, feedback] = await Promise.all([
    store.objects.get(keys.reply(original.org_id, original.id, attempt)),
    store.objects.get(keys.feedback(original.org_id, original.id, attempt)),
  ]);
  if (reply === null) {
    throw new Fault('NOTHING_TO_GO_ON_FROM', `there is no reply of an attempt ${attempt}`);
  }
  const said = feedback ?? (guidance === undefined ? null : UNJUDGED);
  if (said === null) {
    throw new Fault(
      'NOTHING_TO_GO_ON_FROM',
      `attempt ${attempt} got no feedback, so "guidance" has to say what to change`,
    );
  }
  return { attempt, reply, feedback: said };
}
