/**
 * Hands over what a batch holds, or goes on with one that was begun, unless the batch stopped meanwhile: a paused
 * batch asks for nothing.
 */
import type { BatchJob } from '../../store/batches.ts';
import { type FirstTurnDeps, MAX_FIRST_TURNS } from './first-turns.ts';
import { type Submitted, submitFirstTurns } from './submit-first-turns.ts';

export interface SubmitNext {
  /** Decided before this step, so that a second run goes on with what the first one began. */
  readonly n: number;
  readonly unwanted: boolean;
}

/** @throws Fault MODEL_*, as `submitFirstTurns` */
export async function submitNextTurns(
  { orgId, batchId, instance }: BatchJob,
  { n, unwanted }: SubmitNext,
  deps: FirstTurnDeps,
): Promise<Submitted | { readonly state: 'stopped' }> {
  const { batches, firstTurns } = deps.store;
  const batch = await batches.find(orgId, batchId);
  if (batch === null || batch.instance !== instance || batch.status === 'paused') return { state: 'stopped' };
  const input = {
    generationIds: await firstTurns.undecided(orgId, batchId, MAX_FIRST_TURNS),
    unwanted: unwanted || batch.status === 'cancelled',
  };
  return submitFirstTurns({ orgId, batchId, n }, input, deps);
}
