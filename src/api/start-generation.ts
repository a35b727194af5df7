/**
 * Makes a generation: its bytes first, then its row, then the Workflow instance. A crash after the bytes leaves
 * an object nobody names; a crash after the row is mended by the wake sweep, which makes the instance. So does an
 * instance that could not be made: the answer does not wait for it.
 */
import type { Config } from '../env.ts';
import { Fault, messageOf } from '../errors.ts';
import { createInstance } from '../instances.ts';
import { log } from '../logger.ts';
import { priceOf } from '../models/pricing.ts';
import type { RuleRequest } from '../schema/request.ts';
import { draftRow } from '../store/draft-row.ts';
import type { GenerationRow, NewGeneration } from '../store/generations.ts';
import { keys } from '../store/objects.ts';
import type { Store } from '../store/store.ts';
import { newId } from './ids.ts';

export interface Draft {
  readonly orgId: string;
  readonly request: RuleRequest;
  readonly model: string;
  readonly retryOf?: string | null;
  readonly retrySha256?: string;
  /** What the conversation goes on from: an answered attempt of `retryOf`. */
  readonly from?: { readonly attempt: number; readonly reply: string; readonly feedback: string };
  /** The rule that is verified again; no model is asked. */
  readonly reverifies?: string | null;
}

/** Writes what the row will name. The row is not made yet. */
export async function writeDraft(store: Store, draft: Draft): Promise<NewGeneration> {
  const { orgId, request } = draft;
  const nowMs = Date.now();
  const id = newId('gen', nowMs);
  const text = JSON.stringify(request);
  const { from } = draft;
  const [engine] = await Promise.all([
    engineOfRepeated(store, draft),
    store.objects.putOnce(keys.request(orgId, id), text),
    ...(from === undefined
      ? []
      : [
          store.objects.putOnce(keys.reply(orgId, id, 0), from.reply),
          store.objects.putOnce(keys.feedback(orgId, id, 0), from.feedback),
        ]),
  ]);
  return draftRow(
    { id, orgId, request, text, model: draft.model, nowMs },
    {
      ...engine,
      retry_of: draft.retryOf ?? null,
      retry_sha256: draft.retrySha256 ?? null,
      from_attempt: from?.attempt ?? null,
      reverifies: draft.reverifies ?? null,
    },
  );
}

/** A retry keeps the engine of what it repeats: an earlier answer fits no other, and it is not paid for again. */
async function engineOfRepeated(
  store: Store,
  { orgId, retryOf = null }: Draft,
): Promise<Pick<NewGeneration, 'engine' | 'engine_reason'>> {
  const row = retryOf === null ? null : await store.generations.find(orgId, retryOf);
  return { engine: row?.engine ?? null, engine_reason: row?.engine_reason ?? null };
}

/** Makes the Workflow instance. Where that fails the row stays queued, and the wake sweep makes it: nobody has to be told. */
export async function startInstance(
  config: Config,
  { id, org_id: orgId }: Pick<GenerationRow, 'id' | 'org_id'>,
): Promise<void> {
  try {
    // It may be there: the wake sweep was first, when this took longer than it waits.
    await createInstance(config.workflow, id, { generationId: id, orgId });
  } catch (error) {
    log('warn', 'start_failed', { generation: id, message: messageOf(error) });
  }
}

/** @throws Fault MODEL_NOT_ALLOWED | COST_LIMIT_NEEDS_PRICE */
export function refuseUnsupported(request: RuleRequest, model: string, config: Config): void {
  if (!config.model.allowed.includes(model)) {
    throw new Fault('MODEL_NOT_ALLOWED', `this service asks ${config.model.allowed.join(', ')} only`, {
      details: { allowed: config.model.allowed },
    });
  }
  if (request.limits?.costUsd !== undefined && priceOf(config.model.prices, model) === null) {
    throw new Fault(
      'COST_LIMIT_NEEDS_PRICE',
      `limits.costUsd cannot be kept: no price is configured for ${model}`,
    );
  }
}
