/**
 * One look at a provider batch. It is told to end when its time is over or nobody wants it, and given up when
 * the provider does not know it or does not end it.
 */
import { faultCode, reasonOf } from '../../errors.ts';
import type { ProviderBatch } from '../../models/message-batches.ts';
import type { FirstTurnBatchRow, FirstTurnKey } from '../../store/first-turns.ts';
import type { StepDeps } from '../deps.ts';
import { CANCEL_GRACE_MS, closeUnanswered, isOverdue, loadRow, nextPollMs } from './first-turns.ts';

export interface Polled {
  readonly state: 'working' | 'ended' | 'closed';
  readonly lookAgainMs: number;
}

/**
 * @param unwanted whether to end it now; what it has answered by then is paid for, and collected
 * @throws Fault MODEL_UNAVAILABLE | MODEL_RATE_LIMITED | MODEL_TIMEOUT | MODEL_UNAUTHORIZED
 */
export async function pollFirstTurns(key: FirstTurnKey, unwanted: boolean, deps: StepDeps): Promise<Polled> {
  const row = await loadRow(key, deps);
  const answer = (state: Polled['state']): Polled => ({ state, lookAgainMs: nextPollMs(row, deps) });
  if (row.closed_at !== null) return answer('closed');
  if (row.ended_at !== null) return answer('ended');
  if (row.provider_id === null) {
    await closeUnanswered(key, 'abandoned', 'no provider batch was recorded', deps);
    return answer('closed');
  }
  const batch = await find(row.provider_id, deps);
  if (typeof batch === 'string') {
    await closeUnanswered(key, 'abandoned', batch, deps);
    return answer('closed');
  }
  if (batch.ended) {
    await deps.store.firstTurns.recordEnd(key, batch.tookMs ?? 0, deps.now().toISOString());
    return answer('ended');
  }
  if (isGivenUp(row, deps)) {
    await closeUnanswered(key, 'abandoned', 'the provider did not end the batch when it was told to', deps);
    return answer('closed');
  }
  if (unwanted || isOverdue(row, deps)) {
    await deps.economy.batches.cancel(batch.id);
    await deps.store.firstTurns.recordCancel(key, deps.now().toISOString());
    return { state: 'working', lookAgainMs: deps.economy.pollMs };
  }
  return answer('working');
}

/** Or why there is none. */
async function find(id: string, { economy }: StepDeps): Promise<ProviderBatch | string> {
  try {
    return await economy.batches.find(id);
  } catch (error) {
    if (faultCode(error) === 'MODEL_BAD_REQUEST')
      return `the provider has no batch ${id}: ${reasonOf(error)}`;
    throw error;
  }
}

function isGivenUp({ cancelled_at }: FirstTurnBatchRow, { now }: StepDeps): boolean {
  return cancelled_at !== null && now().getTime() - Date.parse(cancelled_at) >= CANCEL_GRACE_MS;
}
