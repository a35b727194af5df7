/** The order of economy mode's steps within one look of a batch: hand over, look at what was handed over, collect. */
import type { BatchParams } from '../env.ts';
import { faultCode, isRetryable } from '../errors.ts';
import { collectFirstTurns } from '../steps/batch/collect-first-turns.ts';
import type { BatchDeps } from '../steps/batch/deps.ts';
import type { TurnsLook } from '../steps/batch/look-at-turns.ts';
import { pollFirstTurns } from '../steps/batch/poll-first-turns.ts';
import { submitNextTurns } from '../steps/batch/submit-next-turns.ts';
import type { RunStep } from './durable.ts';
import { batchPolicies as policies } from './policies.ts';

/** @returns whether generations may go on that had to wait */
export async function askFirstTurns(
  job: BatchParams,
  look: number,
  { submit, due, unwanted }: TurnsLook,
  runStep: RunStep<BatchDeps>,
): Promise<boolean> {
  const { orgId, batchId } = job;
  const submitted = (n: number) =>
    orNextLook(unwanted, () =>
      runStep(policies.submitTurns(look, n), (deps) => submitNextTurns(job, { n, unwanted }, deps)),
    );
  let settled = submit !== null && (await submitted(submit)) !== null;
  for (const { n, recorded } of due) {
    const key = { orgId, batchId, n };
    const polled = recorded
      ? await orNextLook(unwanted, () =>
          runStep(policies.pollTurns(look, n), (deps) => pollFirstTurns(key, unwanted, deps)),
        )
      : await submitted(n);
    settled ||= polled?.state === 'closed';
    if (polled?.state !== 'ended') continue;
    const collected = await orNextLook(unwanted, () =>
      runStep(policies.collectTurns(look, n), (deps) => collectFirstTurns(key, deps)),
    );
    settled ||= collected !== null;
  }
  return settled;
}

/**
 * A provider that cannot be asked now is asked at a later look, and given up in the end. One that refuses the key
 * stops the batch, unless it is only being wound up.
 */
async function orNextLook<T>(unwanted: boolean, running: () => Promise<T>): Promise<T | null> {
  try {
    return await running();
  } catch (error) {
    const code = faultCode(error);
    if (code.startsWith('MODEL_') && (unwanted || isRetryable(code))) return null;
    throw error;
  }
}
