/** Reports of chunks put together into the report of one verification. Pure. */
import { STOP_AFTER_TIMEOUTS } from '../../container/protocol.ts';
import type { CaseReport, HostAnswer, Report, SandboxKind } from '../schema/report.ts';
import type { Engine, RuleCase } from '../schema/request.ts';
import { reportCase, verdictOf } from './case-status.ts';

/** @param engine of the rule that was run: what is said of a case names its parts */
export function reportChunk(
  kind: SandboxKind,
  cases: readonly RuleCase[],
  answer: HostAnswer,
  engine: Engine = 'runtime',
): Report {
  const results = new Map(answer.results.map((result) => [result.id, result]));
  const reports: CaseReport[] = [];
  const notRun: string[] = [];
  for (const [index, one] of cases.entries()) {
    const result = results.get(`c${index}`);
    if (result === undefined) notRun.push(one.name);
    else reports.push(reportCase(one, result, engine));
  }
  return {
    verdict: verdictOf(reports, notRun),
    sandbox: kind,
    build: answer.build,
    isolation: answer.isolation,
    cases: reports,
    notRun,
    sandboxMs: answer.durationMs,
  };
}

/** A check that hangs hangs everywhere: the chunks after this one would only say so again. */
export function decidesEarly(chunk: Report): boolean {
  return chunk.cases.filter((one) => one.outcome === 'timed_out').length >= STOP_AFTER_TIMEOUTS;
}

/** What is left of `pending` after a chunk: everything but the cases it ran. */
export function stillPending(all: readonly RuleCase[], pending: readonly number[], chunk: Report): number[] {
  const ran = new Set(chunk.cases.map(identity));
  return pending.filter((index) => {
    const one = all[index];
    return one !== undefined && !ran.has(identity(one));
  });
}

/** @param all every case of the rule; the report lists them in this order and names those that did not run */
export function mergeReports(chunks: readonly Report[], all: readonly RuleCase[]): Report {
  const [first] = chunks;
  if (first === undefined) throw new RangeError('a verification has at least one chunk');
  const ran = new Map(chunks.flatMap((chunk) => chunk.cases).map((one) => [identity(one), one]));
  const cases = all.map((one) => ran.get(identity(one))).filter((one) => one !== undefined);
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
