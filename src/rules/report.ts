/** Reports of chunks put together into the report of one verification. Pure. */
import type { CaseReport, HostAnswer, Report, SandboxKind } from '../schema/report.ts';
import type { RuleCase } from '../schema/request.ts';
import { reportCase, verdictOf } from './case-status.ts';

/** A rule that hangs hangs everywhere: after this many timed-out cases in a chunk the rest is not run. */
const TIMEOUTS_THAT_DECIDE = 3;

export function reportChunk(kind: SandboxKind, cases: readonly RuleCase[], answer: HostAnswer): Report {
  const reports = cases.map((one, index) => {
    const result = answer.results[index];
    if (result === undefined) throw new RangeError('answer has fewer results than cases');
    return reportCase(one, result);
  });
  return {
    verdict: verdictOf(reports, []),
    sandbox: kind,
    build: answer.build,
    isolation: answer.isolation,
    cases: reports,
    notRun: [],
    sandboxMs: answer.durationMs,
  };
}

export function decidesEarly(chunk: Report): boolean {
  return chunk.cases.filter((one) => one.outcome === 'timed_out').length >= TIMEOUTS_THAT_DECIDE;
}

/** @param all every case of the rule, so that the ones no chunk covers are named as not run */
export function mergeReports(chunks: readonly Report[], all: readonly RuleCase[]): Report {
  const [first] = chunks;
  if (first === undefined) throw new RangeError('a verification has at least one chunk');
  const cases: CaseReport[] = chunks.flatMap((chunk) => chunk.cases);
  const ran = new Set(cases.map(identity));
  const notRun = all.filter((one) => !ran.has(identity(one))).map((one) => one.name);
  // Evidence names one build; chunks from different builds cannot be stated as one verification.
  const sameBuild = chunks.every((chunk) => chunk.build.id === first.build.id);
  return {
    ...first,
    verdict: sameBuild ? verdictOf(cases, notRun) : 'inconclusive',
    cases,
    notRun,
    sandboxMs: chunks.reduce((sum, chunk) => sum + chunk.sandboxMs, 0),
  };
}

/** A rule directory may use one name under both labels. */
function identity(one: Pick<RuleCase, 'kind' | 'name'>): string {
  return `${one.kind}/${one.name}`;
}
