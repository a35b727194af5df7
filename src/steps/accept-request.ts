/** First step: takes the generation from queued to running and fixes its limits. */
import { CASE_TIMEOUT_MS } from '../../container/protocol.ts';
import { Fault } from '../errors.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequest } from './load-request.ts';
import { assertMaySign } from './may-sign.ts';

export interface Limits {
  readonly attempts: number;
  readonly caseTimeoutMs: number;
  /** `null`: no limit. */
  readonly costUsd: number | null;
  /** The model the generation was made for, whatever is configured by now. */
  readonly model: string;
  /** Whether an answered attempt of another generation opens the conversation. */
  readonly goesOn: boolean;
  /** The rule that is verified again instead of asking a model; absent in instances from before that was possible. */
  readonly reverifies?: string | null | undefined;
}

/** @throws Fault GENERATION_ENDED when it was cancelled before it began, SIGNER_NOT_TRUSTED */
export async function acceptRequest(job: Job, deps: StepDeps): Promise<Limits> {
  const at = deps.now().toISOString();
  const row = await deps.store.generations.start(job.generationId, at);
  if (row === null) throw new Fault('GENERATION_ENDED', 'the generation ended before it began');
  await assertMaySign(deps, at);
  const { limits, cases } = await loadRequest(job, deps);
  const accepted: Limits = {
    attempts: row.attempts_max,
    caseTimeoutMs: limits?.caseTimeoutMs ?? CASE_TIMEOUT_MS,
    costUsd: limits?.costUsd ?? null,
    model: row.model,
    goesOn: row.from_attempt !== null,
    reverifies: row.reverifies,
  };
  const { goesOn: _goesOn, reverifies: _reverifies, ...shown } = accepted;
  const data = { ...shown, cases: cases.length };
  await deps.store.change(deps.store.events.appending(job, { key: 'started', type: 'started', data }, at));
  return accepted;
}
