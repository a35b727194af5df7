/**
 * Hands the first turns of many generations to the provider as one batch. The calls are in the ledger before it
 * is made, and its id is recorded once after. A run that finds the reservation without an id looks for a batch
 * that was made and not recorded before it makes another; while that cannot be told, it makes none.
 */
import { faultCode, reasonOf } from '../../errors.ts';
import type { ProviderBatch } from '../../models/message-batches.ts';
import type { FirstTurnBatchRow, FirstTurnKey } from '../../store/first-turns.ts';
import {
  closeTurns,
  closeUnanswered,
  type FirstTurn,
  type FirstTurnDeps,
  type FirstTurns,
  isOverdue,
  loadRow,
  lookAgain,
  orGiveUp,
} from './first-turns.ts';
import { planFirstTurns } from './plan-first-turns.ts';

export interface Submitted {
  /** `unsure`: one may have been made that cannot be told from others yet; submit again later. */
  readonly state: 'submitted' | 'unsure' | 'closed';
  /** Generations in it. */
  readonly asked: number;
  /** Those that are asked the ordinary way. */
  readonly left: number;
  /** Those that are for another one. */
  readonly rest: number;
}

/** The provider's clock may be behind ours. */
const CLOCK_SKEW_MS = 10 * 60_000;

export interface SubmitInput {
  readonly generationIds: readonly string[];
  /** Nobody waits for answers: look for one that was made, and make none. */
  readonly unwanted: boolean;
}

/** @throws Fault MODEL_UNAVAILABLE | MODEL_RATE_LIMITED | MODEL_TIMEOUT | MODEL_UNAUTHORIZED */
export async function submitFirstTurns(
  key: FirstTurnKey,
  { generationIds, unwanted }: SubmitInput,
  deps: FirstTurnDeps,
): Promise<Submitted> {
  const known = await deps.store.firstTurns.find(key);
  if (known !== null && known.closed_at !== null)
    return { state: 'closed', asked: known.requests, left: 0, rest: 0 };
  const planned = await planFirstTurns(key, generationIds, deps);
  const isFirstRun = await reserve(key, planned, deps);
  const row = await loadRow(key, deps);
  const state = await settleRow(row, { planned, isFirstRun, unwanted }, deps);
  const { requests, left, rest } = planned;
  return { state, asked: requests.length, left: left.length, rest: rest.length };
}

interface Reserved {
  readonly planned: FirstTurns;
  readonly isFirstRun: boolean;
  readonly unwanted: boolean;
}

async function settleRow(
  row: FirstTurnBatchRow,
  { planned: { requests }, isFirstRun, unwanted }: Reserved,
  deps: FirstTurnDeps,
): Promise<Submitted['state']> {
  const key = { orgId: row.org_id, batchId: row.batch_id, n: row.n };
  if (row.provider_id !== null) return 'submitted';
  if (requests.length === 0) {
    await closeTurns(key, { outcome: 'collected', reason: 'nothing to ask', answered: 0 }, deps);
    return 'closed';
  }
  const lost = isFirstRun
    ? 'none'
    : await orGiveUp(key, deps, () => findUnrecorded(row, new Set(requests.map(idOf)), deps));
  if (lost === null) return 'closed';
  if (lost === 'unsure') return stillUnsure(row, deps);
  if (lost === 'none' && unwanted) {
    await closeUnanswered(key, 'refused', 'it was not wanted any more before it was made', deps);
    return 'closed';
  }
  const batch = lost === 'none' ? await create(key, requests, deps) : lost;
  if (batch === null) return 'closed';
  await record(key, batch, deps);
  await lookAgain(row, true, deps);
  return 'submitted';
}

async function stillUnsure(row: FirstTurnBatchRow, deps: FirstTurnDeps): Promise<'unsure' | 'closed'> {
  if (!isOverdue(row, deps)) {
    await lookAgain(row, false, deps);
    return 'unsure';
  }
  const key = { orgId: row.org_id, batchId: row.batch_id, n: row.n };
  const reason = 'whether the provider made the batch could not be told in time';
  await closeUnanswered(key, 'abandoned', reason, deps);
  return 'closed';
}

async function reserve(
  key: FirstTurnKey,
  { requests, left }: FirstTurns,
  deps: FirstTurnDeps,
): Promise<boolean> {
  const at = deps.now().toISOString();
  const calls = requests.map(({ generationId, model }) => ({ generationId, model }));
  const isNew = await deps.store.firstTurns.reserve(key, calls, left, at);
  // A key of its own: where the batch gives no answer, the ordinary call is shown too.
  const events = requests.map(({ generationId, model }) => ({
    generationId,
    data: { attempt: 1, model, batch: true },
  }));
  await deps.store.events.appendToMany(key.orgId, 'attempt:1:batch_called', 'model_called', events, at);
  return isNew;
}

/** `null` when it was refused, which is then said in its row. */
async function create(
  key: FirstTurnKey,
  requests: readonly FirstTurn[],
  deps: FirstTurnDeps,
): Promise<ProviderBatch | null> {
  try {
    return await deps.economy.batches.create(
      requests.map(({ generationId, body }) => ({ customId: generationId, body })),
    );
  } catch (error) {
    if (faultCode(error) !== 'MODEL_BAD_REQUEST') throw error;
    await closeUnanswered(key, 'refused', reasonOf(error), deps);
    return null;
  }
}

async function record(key: FirstTurnKey, batch: ProviderBatch, deps: FirstTurnDeps): Promise<void> {
  if (await deps.store.firstTurns.recordProvider(key, batch.id, deps.now().toISOString())) return;
  const { provider_id: recorded } = await loadRow(key, deps);
  // Another run of this step was first, or nobody waits any more: what this one made is one too many.
  if (recorded !== batch.id) await deps.economy.batches.cancel(batch.id);
}

/**
 * A batch that a run before this one made and did not live to record. The list shows only how many requests a
 * batch has; whose they are is in its results, once it has ended.
 */
async function findUnrecorded(
  row: FirstTurnBatchRow,
  ours: ReadonlySet<string>,
  { store, economy }: FirstTurnDeps,
): Promise<ProviderBatch | 'unsure' | 'none'> {
  const made = await economy.batches.madeSince(Date.parse(row.reserved_at) - CLOCK_SKEW_MS);
  const alike = made.filter((batch) => batch.requests === ours.size);
  const recorded = await store.firstTurns.recorded(alike.map((batch) => batch.id));
  const unknown = alike.filter((batch) => !recorded.has(batch.id));
  for (const batch of unknown) {
    if (batch.ended && (await asksFor(batch, ours, economy.batches))) return batch;
  }
  return unknown.some((batch) => !batch.ended) ? 'unsure' : 'none';
}

function idOf({ generationId }: FirstTurn): string {
  return generationId;
}

/** One result tells: ids of generations are nobody else's, and a generation is in one batch only. */
async function asksFor(
  batch: ProviderBatch,
  ours: ReadonlySet<string>,
  batches: FirstTurnDeps['economy']['batches'],
): Promise<boolean> {
  try {
    for await (const { customId } of batches.results(batch.id, 0)) return ours.has(customId);
  } catch (error) {
    // Its results are gone, or not ours to read.
    if (faultCode(error) === 'MODEL_BAD_REQUEST') return false;
    throw error;
  }
  return false;
}
