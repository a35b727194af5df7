/**
 * One sandbox call: some cases of one rule, in the sandbox that verifies or in the one that must agree. A
 * bad check is a result; a case the sandbox itself could not run is a fault, so that the step is tried
 * again in a new sandbox and never counts as a verdict.
 */
import { UNSUPPORTED } from '../../container/protocol.ts';
import { Fault } from '../errors.ts';
import { isGood } from '../rules/case-status.ts';
import { decidesEarly, stillPending } from '../rules/report.ts';
import { runChunk } from '../sandboxes/run-chunk.ts';
import { type Report, reportSchema, type SandboxKind } from '../schema/report.ts';
import { ruleSchema } from '../schema/rule.ts';
import type { Change } from '../store/changed.ts';
import { keys, type ObjectRef } from '../store/objects.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequest } from './load-request.ts';
import { showProgress } from './progress.ts';

export interface VerifyInput {
  readonly purpose: 'verify' | 'confirm';
  readonly sandbox: SandboxKind;
  readonly attempt: number;
  readonly chunk: number;
  /** Indexes of the cases that are still to be run in this attempt. */
  readonly pending: readonly number[];
  readonly rule: ObjectRef;
  readonly caseTimeoutMs: number;
  /** Passing cases of earlier chunks of this attempt, for the progress shown. */
  readonly passedBefore: number;
  /** Which run of this step it is: every run gets a sandbox of its own. */
  readonly stepAttempt: number;
}

export interface ChunkVerified {
  readonly report: ObjectRef;
  readonly passed: number;
  /** Indexes of the cases that are left for the next chunk. */
  readonly pending: readonly number[];
  /** True when running the rest would only say the same again. */
  readonly decided: boolean;
}

/** Our side's failure is tried again; what this kind of sandbox cannot run at all is not. */
function faultOf(report: Report): Fault | null {
  const failed = report.cases.filter((one) => one.outcome === 'host_error');
  const unsuitable = failed.find((one) => one.error?.name === UNSUPPORTED);
  const worst = unsuitable ?? failed[0];
  if (worst === undefined) return null;
  const code = unsuitable === undefined ? 'SANDBOX_UNAVAILABLE' : 'SANDBOX_UNSUITABLE';
  const why = worst.error?.message ?? 'no reason given';
  return new Fault(code, `the sandbox could not run case ${JSON.stringify(worst.name)}: ${why}`);
}

const EVENT_OF = { verify: 'verified', confirm: 'confirmed' } as const;

/** @throws Fault SANDBOX_* */
export async function verifyChunk(job: Job, input: VerifyInput, deps: StepDeps): Promise<ChunkVerified> {
  const { attempt, chunk, purpose } = input;
  const { objects } = deps.store;
  await showProgress(job, { step: purpose, attempt, casesPassed: input.passedBefore }, deps);
  const rule = ruleSchema.parse(JSON.parse(await objects.read(input.rule)));
  const all = (await loadRequest(job, deps)).cases;
  const id = `${job.generationId}-${purpose}-${attempt}-${chunk}-${input.stepAttempt}`.toLowerCase();
  const call = { id, rule, caseTimeoutMs: input.caseTimeoutMs };
  const fresh = await runChunk(deps.sandboxes.open(input.sandbox), call, all, input.pending);
  const fault = faultOf(fresh);
  if (fault !== null) {
    if (fault.code === 'SANDBOX_UNSUITABLE')
      await deps.store.change(
        verified(job, input, { sandbox: fresh.sandbox, unsuitable: fault.reason }, deps),
      );
    throw fault;
  }
  const key = keys.chunk(job.orgId, job.generationId, attempt, input.sandbox, chunk);
  const { ref, text } = await objects.putOnce(key, JSON.stringify(fresh));
  // An interrupted run may have stored its own report first: that one counts, for everybody.
  const report = reportSchema.parse(JSON.parse(text));
  const passed = report.cases.filter((one) => isGood(one.status)).length;
  const casesPassed = input.passedBefore + passed;
  const { sandbox, cases, sandboxMs } = report;
  const event = verified(job, input, { sandbox, cases: cases.length, passed, casesPassed, sandboxMs }, deps);
  await showProgress(job, { step: purpose, attempt, casesPassed }, deps, event);
  const pending = stillPending(all, input.pending, report);
  return { report: ref, passed, pending, decided: decidesEarly(report) };
}

function verified(
  job: Job,
  { attempt, chunk, purpose }: VerifyInput,
  about: Readonly<Record<string, unknown>>,
  { store, now }: StepDeps,
): Change {
  const type = EVENT_OF[purpose];
  // What a sandbox could not run, another one may: both are worth telling.
  const key = `attempt:${attempt}:${type}:${chunk}:${String(about.sandbox)}`;
  const event = { key, type, data: { attempt, chunk, ...about } };
  return store.events.appending(job, event, now().toISOString());
}
