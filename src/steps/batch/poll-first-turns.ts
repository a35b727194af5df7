/**
 * One look at a provider batch. It is told to end when its time is over or nobody wants it, and given up when
 * the provider does not know it or does not end it.
 */
import { Fault } from '../../errors.ts';
import type { FirstTurnBatchRow, FirstTurnKey } from '../../store/first-turns.ts';
import {
  CANCEL_GRACE_MS,
  closeUnanswered,
  type FirstTurnDeps,
  isOverdue,
  loadRow,
  lookAgain,
  orGiveUp,
} from './first-turns.ts';

export interface Polled {
  readonly state: 'working' | 'ended' | 'closed';
}

/**
 * @param unwanted whether to end it now; what it has answered by then is paid for, and collected
 * @throws Fault MODEL_UNAVAILABLE | MODEL_RATE_LIMITED | MODEL_TIMEOUT | MODEL_UNAUTHORIZED
 */
export async function pollFirstTurns(
  key: FirstTurnKey,
  unwanted: boolean,
  deps: FirstTurnDeps,
): Promise<Polled> {
  const row = await loadRow(key, deps);
  const { provider_id: id } = row;
  if (row.closed_at !== null) return { state: 'closed' };
  if (row.ended_at !== null) return { state: 'ended' };
  if (id === null) throw new Fault('STORE_MISSING', `provider batch ${key.n} of ${key.batchId} has no id`);
  const batch = await orGiveUp(key, deps, () => deps.economy.batches.find(id));
  if (batch === null) return { state: 'closed' };
  if (batch.ended) {
    await deps.store.firstTurns.recordEnd(key, batch.tookMs ?? 0, deps.now().toISOString());
    return { state: 'ended' };
  }
  if (isGivenUp(row, deps)) {
    await closeUnanswered(key, 'abandoned', 'the provider did not end the batch when it was told to', deps);
    return { state: 'closed' };
  }
  const toEnd = unwanted || isOverdue(row, deps);
  if (toEnd) {
    await deps.economy.batches.cancel(id);
    await deps.store.firstTurns.recordCancel(key, deps.now().toISOString());
  }
  await lookAgain(row, toEnd, deps);
  return { state: 'working' };
}

function isGivenUp({ cancelled_at }: FirstTurnBatchRow, { now }: FirstTurnDeps): boolean {
  return cancelled_at !== null && now().getTime() - Date.parse(cancelled_at) >= CANCEL_GRACE_MS;
}
