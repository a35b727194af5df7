/** Puts the chunks of one attempt together, records the verdict, and writes the feedback when it is needed. */

import { Fault } from '../errors.ts';
import { reportFeedback } from '../models/feedback.ts';
import { isGood } from '../rules/case-status.ts';
import { mergeReports } from '../rules/report.ts';
import { type Report, reportSchema, type Verdict } from '../schema/report.ts';
import { keys, type ObjectRef } from '../store/objects.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequest } from './load-request.ts';
import { showProgress } from './progress.ts';

export interface JudgeInput {
  readonly attempt: number;
  readonly chunks: readonly ObjectRef[];
}

export interface Judged {
  readonly verdict: Exclude<Verdict, 'inconclusive'>;
  readonly report: ObjectRef;
  readonly passed: number;
  readonly total: number;
  readonly verifiedAt: string;
  readonly summary: string;
}

/** @throws Fault SANDBOX_BAD_ANSWER when the chunks do not add up to one verification */
export async function judgeAttempt(job: Job, input: JudgeInput, deps: StepDeps): Promise<Judged> {
  await showProgress(job, { step: 'judge', attempt: input.attempt }, deps);
  const { objects, attempts, events } = deps.store;
  const chunks = await Promise.all(
    input.chunks.map(async (ref) => reportSchema.parse(JSON.parse(await objects.read(ref)))),
  );
  const { cases } = await loadRequest(job, deps);
  const report = mergeReports(chunks, cases);
  const { verdict } = report;
  if (verdict === 'inconclusive') {
    throw new Fault(
      'SANDBOX_BAD_ANSWER',
      'the chunks of one verification came from different builds of the host',
    );
  }
  const { ref } = await objects.putOnce(
    keys.report(job.orgId, job.generationId, input.attempt),
    JSON.stringify(report),
  );
  if (verdict === 'rejected') {
    const key = keys.feedback(job.orgId, job.generationId, input.attempt);
    await objects.putOnce(key, reportFeedback(report, cases));
  }
  const at = deps.now().toISOString();
  const passed = report.cases.filter((one) => isGood(one.status)).length;
  const summary = summarise(report, passed, cases.length);
  const end = { verdict, summary, casesPassed: passed, sandboxMs: report.sandboxMs };
  await attempts.end({ ...job, n: input.attempt }, end, report.cases, at);
  await events.append(
    job.orgId,
    job.generationId,
    `attempt:${input.attempt}:judged`,
    'judged',
    { attempt: input.attempt, verdict, passed, total: cases.length, summary },
    at,
  );
  return { verdict, report: ref, passed, total: cases.length, verifiedAt: at, summary };
}

function summarise(report: Report, passed: number, total: number): string {
  const failing = report.cases.find((one) => !isGood(one.status));
  const score = `${passed} of ${total} cases pass`;
  if (failing === undefined) return score;
  return `${score}; ${failing.kind} case ${JSON.stringify(failing.name)} is ${failing.status}: ${failing.message ?? ''}`.slice(
    0,
    1_000,
  );
}
