/**
 * Begins items: claims an id for each in its row, then makes the bytes and the row of the generation under it, held,
 * so that nothing runs yet. Run again it goes on with what was claimed and makes nothing twice.
 */
import { Fault, faultCode, reasonOf } from '../../errors.ts';
import { type RuleRequest, requestSchema } from '../../schema/request.ts';
import type { ItemRow } from '../../store/batch-items.ts';
import { requestOf } from '../../store/batch-requests.ts';
import type { BatchJob, BatchRow } from '../../store/batches.ts';
import { draftRow } from '../../store/draft-row.ts';
import type { GenerationRow, NewGeneration } from '../../store/generations.ts';
import { keys } from '../../store/objects.ts';
import type { BatchDeps } from './deps.ts';

/** Items of one step: each costs a read and a write of R2. */
export const MOST_MADE = 50;

export interface Made {
  readonly made: number;
}

type BatchGeneration = NewGeneration & { readonly batch_id: string };

/** @param input `upTo`: how many items may be under way, those that are included */
export async function makeGenerations(
  job: BatchJob,
  input: { readonly upTo: number },
  deps: BatchDeps,
): Promise<Made> {
  const { store } = deps;
  const batch = await store.batches.find(job.orgId, job.batchId);
  if (batch === null) throw new Fault('STORE_MISSING', `batch ${job.batchId} is missing`);
  const now = deps.now();
  const started = await store.batchItems.started(job.batchId);
  const claim = Math.min(input.upTo - started, MOST_MADE);
  if (claim > 0) {
    const ids = Array.from({ length: claim }, () => deps.newGenerationId(now));
    await store.batchItems.claim(job, ids, now.toISOString());
  }
  const items = await store.batchItems.unmade(job.batchId, MOST_MADE);
  const known = await earlierOf(job, items, deps);
  const drafts = await Promise.all(items.map((item) => draft(item, batch, known, now, deps)));
  const rows = drafts.filter((one) => one !== null);
  const there = await store.generations.insertOfBatch(rows);
  await refuseOthersRetries(
    job,
    items,
    rows.filter((_row, index) => there[index] === false),
    deps,
  );
  return { made: there.filter(Boolean).length };
}

/** What the items repeat, and what became of their last rounds. */
function earlierOf(
  job: BatchJob,
  items: readonly ItemRow[],
  deps: BatchDeps,
): Promise<ReadonlyMap<string, GenerationRow>> {
  const ids = items.flatMap((item) => [item.source_generation, item.last_generation_id]);
  return deps.store.generations.findMany(
    job.orgId,
    ids.filter((id) => id !== null),
  );
}

/** `null` when none can be made of this item, which then has failed. */
async function draft(
  item: ItemRow,
  batch: BatchRow,
  known: ReadonlyMap<string, GenerationRow>,
  now: Date,
  deps: BatchDeps,
): Promise<BatchGeneration | null> {
  try {
    return await rowOf(item, batch, known, now, deps);
  } catch (error) {
    const code = faultCode(error);
    // What cannot be made of this item; the store's own trouble is tried again.
    if (!['STORE_MISSING', 'STORE_CONFLICT', 'MODEL_NOT_ALLOWED', 'COST_LIMIT_NEEDS_PRICE'].includes(code))
      throw error;
    await deps.store.batchItems.fail(item, { code, message: reasonOf(error) }, now.toISOString());
    return null;
  }
}

async function rowOf(
  item: ItemRow,
  batch: BatchRow,
  known: ReadonlyMap<string, GenerationRow>,
  now: Date,
  deps: BatchDeps,
): Promise<BatchGeneration> {
  const { objects } = deps.store;
  const orgId = item.org_id;
  const id = item.generation_id ?? '';
  const source = known.get(item.source_generation ?? '') ?? null;
  const last = known.get(item.last_generation_id ?? '') ?? null;
  const text = await requestText(item, deps);
  const request = parsed(text);
  const model = modelOf(batch, source, request, deps);
  await objects.putOnce(keys.request(orgId, id), text);
  const kept = last ?? source;
  return draftRow(
    { id, orgId, request, text, model, nowMs: now.getTime() },
    {
      batch_id: batch.id,
      held: 1,
      engine: kept?.engine ?? null,
      engine_reason: kept?.engine_reason ?? null,
      // One that verifies again repeats no call of a model; what it is made of is the rule.
      retry_of: batch.mode === 'reverify' ? null : (kept?.id ?? null),
      reverifies: batch.mode === 'reverify' ? item.source_rule : null,
    },
  );
}

async function requestText(item: ItemRow, deps: BatchDeps): Promise<string> {
  const { org_id: orgId, source_generation: source } = item;
  if (source === null) return requestOf(deps.store.objects, orgId, item.batch_id, item.position);
  const text = await deps.store.objects.get(keys.request(orgId, source));
  if (text === null) throw new Fault('STORE_MISSING', `the stored request of ${source} is missing`);
  return text;
}

function parsed(text: string): RuleRequest {
  const request = requestSchema.safeParse(JSON.parse(text));
  if (!request.success) throw new Fault('STORE_CONFLICT', 'the stored request is no request');
  return request.data;
}

function modelOf(
  { mode, model: wanted }: BatchRow,
  source: GenerationRow | null,
  request: RuleRequest,
  { models }: BatchDeps,
): string {
  if (mode === 'reverify') return source?.model ?? models.default;
  const kept = source !== null && models.allowed.includes(source.model) ? source.model : models.default;
  const model = wanted ?? kept;
  if (!models.allowed.includes(model))
    throw new Fault('MODEL_NOT_ALLOWED', `${model} is not allowed any more`);
  if (request.limits?.costUsd !== undefined && !models.hasPrice(model)) {
    throw new Fault('COST_LIMIT_NEEDS_PRICE', `limits.costUsd cannot be kept: ${model} has no price`);
  }
  return model;
}

/** One live retry of a generation: where somebody else's is alive, the item has failed and says which. */
async function refuseOthersRetries(
  job: BatchJob,
  items: readonly ItemRow[],
  missing: readonly BatchGeneration[],
  deps: BatchDeps,
): Promise<void> {
  if (missing.length === 0) return;
  const batch = await deps.store.batches.find(job.orgId, job.batchId);
  // The batch stopped in between: the items stay claimed until it goes on.
  if (batch?.status !== 'running') return;
  for (const row of missing) {
    const item = items.find(({ generation_id: id }) => id === row.id);
    const message = `another retry of ${row.retry_of} is alive`;
    if (item !== undefined) {
      await deps.store.batchItems.fail(item, { code: 'RETRY_UNDER_WAY', message }, deps.now().toISOString());
    }
  }
}
