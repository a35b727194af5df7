/** First step: takes the generation from queued to running and fixes its limits. */
import { CASE_TIMEOUT_MS } from '../../container/protocol.ts';
import { Fault } from '../errors.ts';
import { DEFAULT_ATTEMPTS } from '../schema/request.ts';
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
  if (!(await deps.store.generations.start(job.generationId, at))) {
    throw new Fault('GENERATION_ENDED', 'the generation ended before it began');
  }
  await assertMaySign(deps, at);
  const { limits, cases } = await loadRequest(job, deps);
  const row = await deps.store.generations.find(job.orgId, job.generationId);
  const accepted: Limits = {
    attempts: row?.attempts_max ?? limits?.attempts ?? DEFAULT_ATTEMPTS,
    caseTimeoutMs: limits?.caseTimeoutMs ?? CASE_TIMEOUT_MS,
    costUsd: limits?.costUsd ?? null,
    model: row?.model ?? deps.model.id,
    goesOn: (row?.from_attempt ?? null) !== null,
    reverifies: row?.reverifies ?? null,
  };
  const { goesOn: _goesOn, reverifies: _reverifies, ...shown } = accepted;
  const data = { ...shown, cases: cases.length };
  await deps.store.events.append(job.orgId, job.generationId, 'started', 'started', data, at);
  return accepted;
}
