/**
 * Makes a batch: the requests it brings along first, then its row with every item in one transaction, then the Workflow
 * instance. A selection that does not fit is refused as a whole, before anything is made.
 */
import type { Config } from '../env.ts';
import { Fault, messageOf } from '../errors.ts';
import { createInstance } from '../instances.ts';
import { log } from '../logger.ts';
import { priceOf } from '../models/pricing.ts';
import { sha256Hex } from '../rules/digest.ts';
import { DEFAULT_CONCURRENCY, MAX_ITEMS, minuteOfDay, type NewBatch } from '../schema/batch.ts';
import { putRequests } from '../store/batch-requests.ts';
import type { ItemSource } from '../store/batch-selection.ts';
import { type BatchJob, batchInstanceId, type NewBatchRow } from '../store/batches.ts';
import type { Claim } from '../store/idempotency.ts';
import type { Store } from '../store/store.ts';
import { refuseCallback } from './callback.ts';
import { findKey } from './idempotency.ts';
import { newId } from './ids.ts';
import { refuseUnsupported } from './start-generation.ts';

const MOST_TRIES = 5;

export interface MadeBatch {
  readonly id: string;
  /** False: it was there already. */
  readonly made: boolean;
}

export async function makeBatch(
  config: Config,
  store: Store,
  orgId: string,
  body: NewBatch,
  key: string | null,
): Promise<MadeBatch> {
  const digest = key === null ? '' : await sha256Hex(`batch\n${JSON.stringify(body)}`);
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const known = key === null ? null : await knownOf(store, orgId, key, digest);
    if (known?.existing != null) return { id: known.existing, made: false };
    const source = sourceOf(body);
    const urls = (body.requests ?? []).map((request) => request.callbackUrl);
    await refuseCallback({ config, store, orgId }, body.callbackUrl, ...urls);
    await refuseUnfit(config, store, orgId, body, source);
    const row = rowOf(body, orgId, Date.now());
    const { id, created_at: at } = row;
    const claim: Claim | null =
      key === null ? null : { orgId, key, digest, targetId: id, replaces: known?.replaces ?? null, at };
    if (body.requests !== undefined) await putRequests(store.objects, orgId, id, body.requests);
    if (!(await store.batches.insert(row, source, claim))) continue;
    await startBatch(config, { batchId: id, orgId, instance: 1 });
    return { id, made: true };
  }
  throw new Fault('WORKFLOW_UNAVAILABLE', 'too many requests for the same batch at once; try again');
}

/**
 * What a key named already: a batch to answer with, or one that was cancelled, which is never given again.
 * @throws Fault IDEMPOTENCY_MISMATCH
 */
async function knownOf(
  store: Store,
  orgId: string,
  key: string,
  digest: string,
): Promise<{ existing: string | null; replaces: string | null }> {
  const { current, replaces } = await findKey(store, orgId, key, digest);
  const batch = current === null ? null : await store.batches.find(orgId, current);
  const given = batch !== null && batch.status !== 'cancelled';
  return { existing: given ? batch.id : null, replaces };
}

function sourceOf({ generations, rules, filter, requests }: NewBatch): ItemSource {
  if (generations !== undefined) return { kind: 'generations', ids: generations };
  if (rules !== undefined) return { kind: 'rules', ids: rules };
  if (requests !== undefined) return { kind: 'requests', count: requests.length };
  return { kind: 'filter', filter: filter ?? {} };
}

async function refuseUnfit(
  config: Config,
  store: Store,
  orgId: string,
  body: NewBatch,
  source: ItemSource,
): Promise<void> {
  const { count, missing, alive, withoutRule, models } = await store.batches.unfit(orgId, source);
  const named = { details: { ids: [...missing, ...alive, ...withoutRule].slice(0, 20) } };
  if (missing.length > 0) throw new Fault('NOT_FOUND', `there is no ${missing[0]}`, named);
  if (count === 0) throw new Fault('BATCH_EMPTY', 'no signed rule fits the filter');
  if (count > MAX_ITEMS) throw new Fault('BATCH_TOO_LARGE', `more than ${MAX_ITEMS} rules fit the filter`);
  if (alive.length > 0) throw new Fault('NOT_ENDED', `${alive[0]} has not ended; cancel it first`, named);
  if (body.mode === 'reverify') {
    if (withoutRule.length > 0) throw new Fault('NO_RULE', `${withoutRule[0]} has no signed rule`, named);
    return;
  }
  refuseModels(config, body, models);
}

/** @throws Fault MODEL_NOT_ALLOWED | COST_LIMIT_NEEDS_PRICE */
function refuseModels(config: Config, body: NewBatch, models: readonly string[]): void {
  const { id, allowed, prices } = config.model;
  if (body.model !== undefined && !allowed.includes(body.model)) {
    throw new Fault('MODEL_NOT_ALLOWED', `this service asks ${allowed.join(', ')} only`, {
      details: { allowed },
    });
  }
  for (const request of body.requests ?? []) refuseUnsupported(request, body.model ?? id, config);
  if (body.costUsdMax === undefined) return;
  const kept = models.map((model) => (allowed.includes(model) ? model : id));
  const asked = body.model === undefined ? (kept.length === 0 ? [id] : kept) : [body.model];
  const unpriced = asked.find((model) => priceOf(prices, model) === null);
  if (unpriced !== undefined) {
    throw new Fault(
      'COST_LIMIT_NEEDS_PRICE',
      `costUsdMax cannot be kept: no price is configured for ${unpriced}`,
    );
  }
}

function rowOf(body: NewBatch, orgId: string, nowMs: number): NewBatchRow {
  const { notBefore, dailyFrom, dailyTo } = body.window ?? {};
  return {
    id: newId('batch', nowMs),
    org_id: orgId,
    mode: body.mode,
    name: body.name ?? null,
    model: body.model ?? null,
    concurrency: body.concurrency ?? DEFAULT_CONCURRENCY,
    cost_usd_max: body.costUsdMax ?? null,
    not_before: notBefore === undefined ? null : new Date(notBefore).toISOString(),
    daily_from: dailyFrom === undefined ? null : minuteOfDay(dailyFrom),
    daily_to: dailyTo === undefined ? null : minuteOfDay(dailyTo),
    economy: body.economy === true ? 1 : 0,
    created_at: new Date(nowMs).toISOString(),
    callback_url: body.callbackUrl === undefined ? null : new URL(body.callbackUrl).href,
  };
}

/** Makes the instance that acts from now on. Where that fails the wake sweep does it, so nobody has to be told. */
export async function startBatch(config: Config, job: BatchJob): Promise<void> {
  try {
    await createInstance(config.batchWorkflow, batchInstanceId(job), job);
  } catch (error) {
    log('warn', 'batch_start_failed', { batch: job.batchId, message: messageOf(error) });
  }
}
