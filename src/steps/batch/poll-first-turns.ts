/**
 * One look at a provider batch. It is told to end when its time is over or nobody wants it, and given up when
 * the provider does not know it or does not end it.
 */
import { faultCode, isRetryable, reasonOf } from '../../errors.ts';
import type { ProviderBatch } from '../../models/message-batches.ts';
import type { FirstTurnBatchRow, FirstTurnKey } from '../../store/first-turns.ts';
import {
  CANCEL_GRACE_MS,
  closeUnanswered,
  type FirstTurnDeps,
  isOverdue,
  loadRow,
  lookAgain,
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
  if (row.closed_at !== null) return { state: 'closed' };
  if (row.ended_at !== null) return { state: 'ended' };
  if (row.provider_id === null) {
    await closeUnanswered(key, 'abandoned', 'no provider batch was recorded', deps);
    return { state: 'closed' };
  }
  const batch = await find(row.provider_id, row, deps);
  if (typeof batch === 'string') {
    await closeUnanswered(key, 'abandoned', batch, deps);
    return { state: 'closed' };
  }
  if (batch.ended) {
    await deps.store.firstTurns.recordEnd(key, batch.tookMs ?? 0, deps.now().toISOString());
    return { state: 'ended' };
  }
  if (isGivenUp(row, deps)) {
    await closeUnanswered(key, 'abandoned', 'the provider did not end the batch when it was told to', deps);
    return { state: 'closed' };
  }
  if (unwanted || isOverdue(row, deps)) {
    await deps.economy.batches.cancel(batch.id);
    await deps.store.firstTurns.recordCancel(key, deps.now().toISOString());
    await lookAgain(row, true, deps);
  } else await lookAgain(row, false, deps);
  return { state: 'working' };
}

/** Or why it is given up. */
async function find(
  id: string,
  row: FirstTurnBatchRow,
  deps: FirstTurnDeps,
): Promise<ProviderBatch | string> {
  try {
    return await deps.economy.batches.find(id);
  } catch (error) {
    const code = faultCode(error);
    if (code === 'MODEL_BAD_REQUEST') return `the provider has no batch ${id}: ${reasonOf(error)}`;
    if (isRetryable(code) && isOverdue(row, deps)) return `the provider cannot be asked: ${reasonOf(error)}`;
    throw error;
  }
}

function isGivenUp({ cancelled_at }: FirstTurnBatchRow, { now }: FirstTurnDeps): boolean {
  return cancelled_at !== null && now().getTime() - Date.parse(cancelled_at) >= CANCEL_GRACE_MS;
}
