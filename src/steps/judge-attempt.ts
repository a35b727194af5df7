/**
 * Puts the chunks of one attempt together, asks whether both sandboxes agree where two ran, records the
 * verdict, and writes the feedback when it is needed.
 */
import { Fault } from '../errors.ts';
import { disagreementFeedback, reportFeedback } from '../models/feedback.ts';
import { casesAfter, type Disagreement, disagreements } from '../rules/agreement.ts';
import { isGood } from '../rules/case-status.ts';
import { mergeReports } from '../rules/report.ts';
import { type CaseReport, type Report, reportSchema, type Verdict } from '../schema/report.ts';
import type { RuleCase } from '../schema/request.ts';
import { keys, type ObjectRef } from '../store/objects.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequest } from './load-request.ts';
import { showProgress } from './progress.ts';

export interface JudgeInput {
  readonly attempt: number;
  readonly chunks: readonly ObjectRef[];
  /** Of the second sandbox; empty when none had to agree, or when the first had rejected already. */
  readonly confirmChunks: readonly ObjectRef[];
}

export interface Judged {
  readonly verdict: Exclude<Verdict, 'inconclusive'>;
  readonly report: ObjectRef;
  /** The report of the second sandbox; `null` when there is none. */
  readonly confirmation: ObjectRef | null;
  readonly passed: number;
  readonly total: number;
  readonly verifiedAt: string;
  readonly summary: string;
}

/** @throws Fault SANDBOX_BAD_ANSWER when the chunks do not add up to one verification */
export async function judgeAttempt(job: Job, input: JudgeInput, deps: StepDeps): Promise<Judged> {
  const { attempt } = input;
  await showProgress(job, { step: 'judge', attempt }, deps);
  const { objects, attempts, events } = deps.store;
  const { cases } = await loadRequest(job, deps);
  const report = await merged(input.chunks, cases, deps);
  const second = input.confirmChunks.length === 0 ? null : await merged(input.confirmChunks, cases, deps);
  const { ref } = await objects.putOnce(
    keys.report(job.orgId, job.generationId, attempt),
    JSON.stringify(report),
  );
  const confirmation =
    second === null
      ? null
      : await objects.putOnce(
          keys.confirmation(job.orgId, job.generationId, attempt),
          JSON.stringify(second),
        );
  const judgement = judge(report, second, cases);
  if (judgement.feedback !== null) {
    await objects.putOnce(keys.feedback(job.orgId, job.generationId, attempt), judgement.feedback);
  }
  const { verdict, summary, passed } = judgement;
  const at = deps.now().toISOString();
  const sandboxMs = report.sandboxMs + (second?.sandboxMs ?? 0);
  const end = { verdict, summary, casesPassed: passed, sandboxMs };
  const data = { attempt, verdict, passed, total: cases.length, summary };
  await showProgress(
    job,
    // A confirmation counts its cases from the start again; what is shown now is the verdict's number.
    { step: 'judge', attempt, casesPassed: passed },
    deps,
    ...attempts.ending({ ...job, n: attempt }, end, judgement.cases, at),
    events.appending(job, { key: `attempt:${attempt}:judged`, type: 'judged', data }, at),
  );
  return {
    verdict,
    report: ref,
    confirmation: confirmation?.ref ?? null,
    passed,
    total: cases.length,
    verifiedAt: at,
    summary,
  };
}

async function merged(
  chunks: readonly ObjectRef[],
  cases: readonly RuleCase[],
  deps: StepDeps,
): Promise<Report> {
  const parts = await Promise.all(
    chunks.map(async (ref) => reportSchema.parse(JSON.parse(await deps.store.objects.read(ref)))),
  );
  const report = mergeReports(parts, cases);
  if (report.verdict !== 'inconclusive') return report;
  const message = 'the chunks of one verification came from different builds of the host';
  throw new Fault('SANDBOX_BAD_ANSWER', message);
}

interface Judgement {
  readonly verdict: Judged['verdict'];
  readonly cases: CaseReport[];
  readonly passed: number;
  readonly summary: string;
  readonly feedback: string | null;
}

function judge(report: Report, second: Report | null, all: readonly RuleCase[]): Judgement {
  const differing: Disagreement[] = second === null ? [] : disagreements(report, second);
  const cases = casesAfter(report, differing);
  const passed = cases.filter((one) => isGood(one.status)).length;
  const accepted = report.verdict === 'accepted' && differing.length === 0;
  const summary = summarise(cases, passed, all.length);
  if (accepted) return { verdict: 'accepted', cases, passed, summary, feedback: null };
  const feedback =
    second === null || differing.length === 0
      ? reportFeedback(report, all)
      : disagreementFeedback(report, second, differing);
  return { verdict: 'rejected', cases, passed, summary, feedback };
}

function summarise(cases: readonly CaseReport[], passed: number, total: number): string {
  const failing = cases.find((one) => !isGood(one.status));
  const score = `${passed} of ${total} cases pass`;
  if (failing === undefined) return score;
  return `${score}; ${failing.kind} case ${JSON.stringify(failing.name)} is ${failing.status}: ${failing.message ?? ''}`.slice(
    0,
    1_000,
  );
}
