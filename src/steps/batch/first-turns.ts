/**
 * What the steps of economy mode share: which generations one provider batch asks for, as it was decided once
 * and stored, and when to look at it again. Nothing here calls the provider.
 */
import { z } from 'zod';
import { Fault, faultCode, reasonOf } from '../../errors.ts';
import type { MessageBatches } from '../../models/message-batches.ts';
import type { FirstTurnBatchRow, FirstTurnKey, FirstTurnOutcome } from '../../store/first-turns.ts';
import { keys } from '../../store/objects.ts';
import type { Store } from '../../store/store.ts';

/** First attempts through the Message Batches API. */
export interface Economy {
  readonly batches: MessageBatches;
  /** Before the first look at a provider batch; later ones are further apart. */
  readonly pollMs: number;
  /** After this a provider batch is cancelled, and what it has not answered is asked one by one. */
  readonly waitMs: number;
  /** Of the bodies in one provider batch together. */
  readonly maxBytes: number;
}

/** What these steps use. */
export interface FirstTurnDeps {
  readonly store: Store;
  readonly economy: Economy;
  readonly now: () => Date;
}

/**
 * Of one provider batch. The provider takes 100 000 requests and 256 MiB; a Worker has 128 MiB of memory, and
 * holds the text about four times while it is sent.
 */
export const MAX_FIRST_TURNS = 500;
export const MAX_FIRST_TURN_BYTES = 12 * 1024 * 1024;

/** No look is further from the one before. */
const MAX_POLL_MS = 15 * 60_000;
/** A batch that has taken an hour may take six minutes more: waits are a tenth of what it has taken. */
const WAIT_SHARE = 10;
/** After its cancel a provider batch has this long to end; then nobody waits for its results. */
export const CANCEL_GRACE_MS = 60 * 60_000;

export const firstTurnsSchema = z.object({
  requests: z.array(
    z.object({
      generationId: z.string(),
      model: z.string(),
      promptVersion: z.string(),
      promptSha256: z.string(),
      body: z.record(z.string(), z.unknown()),
    }),
  ),
  /** Asked the ordinary way: their engine is open, they have ended, or they cannot be asked like this. */
  left: z.array(z.string()),
  /** No room for them in this one. */
  rest: z.array(z.string()),
});
export type FirstTurns = z.infer<typeof firstTurnsSchema>;
export type FirstTurn = FirstTurns['requests'][number];

/** @throws Fault STORE_MISSING */
export async function loadFirstTurns(
  { orgId, batchId, n }: FirstTurnKey,
  { store }: Pick<FirstTurnDeps, 'store'>,
): Promise<FirstTurns> {
  const key = keys.firstTurns(orgId, batchId, n);
  const text = await store.objects.get(key);
  if (text === null) throw new Fault('STORE_MISSING', `object ${key} is missing`);
  return firstTurnsSchema.parse(JSON.parse(text));
}

/** @throws Fault STORE_MISSING */
export async function loadRow(
  key: FirstTurnKey,
  { store }: Pick<FirstTurnDeps, 'store'>,
): Promise<FirstTurnBatchRow> {
  const row = await store.firstTurns.find(key);
  if (row === null)
    throw new Fault('STORE_MISSING', `provider batch ${key.n} of ${key.batchId} was not reserved`);
  return row;
}

/** Says in the row when to look again: later and later, or as soon as for a new one. */
export async function lookAgain(row: FirstTurnBatchRow, soon: boolean, deps: FirstTurnDeps): Promise<void> {
  const key = { orgId: row.org_id, batchId: row.batch_id, n: row.n };
  const waitMs = soon ? deps.economy.pollMs : nextPollMs(row, deps);
  await deps.store.firstTurns.lookAgain(key, new Date(deps.now().getTime() + waitMs).toISOString());
}

export function nextPollMs(
  row: Pick<FirstTurnBatchRow, 'reserved_at'>,
  { now, economy }: Pick<FirstTurnDeps, 'now' | 'economy'>,
): number {
  const takenMs = now().getTime() - Date.parse(row.reserved_at);
  return Math.max(economy.pollMs, Math.min(MAX_POLL_MS, Math.round(takenMs / WAIT_SHARE)));
}

/** Whether the provider had all the time that it is given. */
export function isOverdue(
  row: FirstTurnBatchRow,
  { now, economy }: Pick<FirstTurnDeps, 'now' | 'economy'>,
): boolean {
  return now().getTime() - Date.parse(row.reserved_at) >= economy.waitMs;
}

/**
 * Runs what asks the provider. Where that fails its row says since when; once it has failed for as long as any
 * provider batch is waited for, it is given up.
 * @returns `null` when it was given up
 * @throws Fault MODEL_UNAVAILABLE | MODEL_RATE_LIMITED | MODEL_TIMEOUT | MODEL_UNAUTHORIZED until then
 */
export async function orGiveUp<T>(
  key: FirstTurnKey,
  deps: FirstTurnDeps,
  ask: () => Promise<T>,
): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    const code = faultCode(error);
    if (!code.startsWith('MODEL_')) throw error;
    const now = deps.now();
    await deps.store.firstTurns.recordFailure(key, now.toISOString());
    const { failing_since: since } = await loadRow(key, deps);
    const failingMs = now.getTime() - Date.parse(since ?? now.toISOString());
    if (code !== 'MODEL_BAD_REQUEST' && failingMs < deps.economy.waitMs) throw error;
    await closeUnanswered(key, 'abandoned', `the provider cannot be asked: ${reasonOf(error)}`, deps);
    return null;
  }
}

/**
 * Ends the wait without answers: every generation of it asks the ordinary way.
 * @param outcome `refused`: certainly not charged, so the calls are settled at nothing; `abandoned`: not known, so
 *   they stay unanswered in the ledger
 */
export async function closeUnanswered(
  key: FirstTurnKey,
  outcome: Exclude<FirstTurnOutcome, 'collected'>,
  reason: string,
  deps: FirstTurnDeps,
): Promise<void> {
  if (outcome === 'refused') {
    const { requests } = await loadFirstTurns(key, deps);
    const calls = requests.map((one) => ({
      generationId: one.generationId,
      answer: nothingCharged(one.model, 'batch_refused'),
    }));
    await deps.store.spend.settleFirst(key.orgId, calls, deps.now().toISOString());
  }
  await closeTurns(key, { outcome, reason: reason.slice(0, 1_000), answered: 0 }, deps);
}

/** Nothing more is expected. What was asked is in the generations' own objects, and goes with them when they are deleted. */
export async function closeTurns(
  key: FirstTurnKey,
  end: { readonly outcome: FirstTurnOutcome; readonly reason: string | null; readonly answered: number },
  { store, now }: Pick<FirstTurnDeps, 'store' | 'now'>,
): Promise<void> {
  await store.firstTurns.close(key, end, now().toISOString());
  await store.objects.remove(keys.firstTurns(key.orgId, key.batchId, key.n));
}

/** How the ledger shows a call that was in a batch and is not charged. */
export function nothingCharged(model: string, stopReason: string) {
  const usage = { inputTokens: 0, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 };
  return { model, requestId: null, stopReason, usage, costUsd: 0, durationMs: 0 };
}
