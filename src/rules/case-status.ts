/**
 * Statuses and verdicts, decided from the host's untrusted answer and the labels only we know.
 * Pure: the same answer always gives the same verdict.
 */
import type { CaseReport, CaseStatus, HostCaseResult, Verdict } from '../schema/report.ts';
import type { Engine, ExpectedFinding, RuleCase } from '../schema/request.ts';

type Finding = HostCaseResult['findings'][number];
type Judgement = { readonly status: CaseStatus; readonly message?: string };

const GOOD: ReadonlySet<CaseStatus> = new Set(['validated', 'reported']);
/** Findings named in a message; the report holds them all. */
const LISTED_FINDINGS = 5;

export function isGood(status: CaseStatus): boolean {
  return GOOD.has(status);
}

export function reportCase(one: RuleCase, result: HostCaseResult, engine: Engine = 'runtime'): CaseReport {
  const { id: _id, ...rest } = result;
  return {
    ...rest,
    name: one.name,
    kind: one.kind,
    ...judge(one, result, WORDS[engine]),
    durationMs: result.narrowMs + result.checkMs,
  };
}

/**
 * `inconclusive` when our side failed for any case; `accepted` only when every case ran and is good.
 * @param notRun names of cases that were not run
 */
export function verdictOf(cases: readonly CaseReport[], notRun: readonly string[]): Verdict {
  if (cases.some((one) => one.outcome === 'host_error')) return 'inconclusive';
  if (cases.length === 0 || notRun.length > 0) return 'rejected';
  return cases.every((one) => isGood(one.status)) ? 'accepted' : 'rejected';
}

/** What a rule of each engine is called where a case is explained. */
interface Words {
  readonly nothingMatched: string;
  readonly source: string;
}

const WORDS: Readonly<Record<Engine, Words>> = {
  runtime: { nothingMatched: 'no capture matched, so the check never ran', source: 'captures' },
  sg: { nothingMatched: 'the rule matched nothing', source: 'rule' },
};

function judge(one: RuleCase, result: HostCaseResult, words: Words): Judgement {
  if (result.outcome !== 'exited') return { status: 'error', message: outcomeMessage(result) };
  if (result.error !== undefined) return { status: 'error', message: errorMessage(result, words) };
  if (one.kind === 'valid') return judgeValid(result);
  if (result.findings.length === 0) return { status: 'missing', message: silence(result, words) };
  return one.findings === undefined ? { status: 'reported' } : judgeExpected(one.findings, result);
}

function judgeValid(result: HostCaseResult): Judgement {
  if (result.findings.length === 0) return { status: 'validated' };
  return { status: 'noisy', message: `expected no finding, got ${list(result.findings)}` };
}

/** Where findings are named they are the whole truth: none may be missing and none may be elsewhere. */
function judgeExpected(expected: readonly ExpectedFinding[], result: HostCaseResult): Judgement {
  const missing = expected.filter((want) => !result.findings.some((got) => fits(want, got)));
  if (missing.length > 0) {
    const wanted = missing.map(describeExpected).join(', ');
    return { status: 'missing', message: `expected a finding at ${wanted}, got ${list(result.findings)}` };
  }
  const extra = result.findings.filter((got) => !expected.some((want) => fits(want, got)));
  if (extra.length === 0) return { status: 'reported' };
  return { status: 'noisy', message: `reported more than the expected findings: ${list(extra)}` };
}

function fits(want: ExpectedFinding, got: Finding): boolean {
  if (got.file !== want.file) return false;
  if (want.line !== undefined && got.line !== want.line) return false;
  return want.message === undefined || got.message.toLowerCase().includes(want.message.toLowerCase());
}

function silence(result: HostCaseResult, words: Words): string {
  if (result.matchCount === 0) return words.nothingMatched;
  return `the check got ${count(result.matchCount, 'match', 'matches')} and returned no finding`;
}

function errorMessage(result: HostCaseResult, words: Words): string {
  const { name, message, line } = result.error ?? { name: 'Error', message: '' };
  if (result.stage === 'narrow') return `ast-grep refused the ${words.source}: ${message}`;
  return `${name}: ${message}${line === undefined ? '' : ` (check.ts:${line})`}`;
}

const OUTCOME_TEXT: Readonly<Record<HostCaseResult['outcome'], string>> = {
  exited: 'ended',
  signalled: 'was ended by a signal',
  timed_out: 'did not end in time',
  memory_exceeded: 'used too much memory',
  output_exceeded: 'wrote too much output',
  process_limit: 'started too many processes or threads',
  invalid_result: 'gave no valid result',
  host_error: 'could not be run by the sandbox',
};

function outcomeMessage(result: HostCaseResult): string {
  const who = result.stage === 'narrow' ? 'ast-grep' : 'the check';
  const detail = result.error === undefined ? '' : `: ${result.error.message}`;
  return `${who} ${OUTCOME_TEXT[result.outcome]}${detail}`;
}

function list(findings: readonly Finding[]): string {
  const shown = findings
    .slice(0, LISTED_FINDINGS)
    .map((one) => `${place(one)} ${JSON.stringify(one.message)}`);
  const more = findings.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function describeExpected(want: ExpectedFinding): string {
  return want.message === undefined ? place(want) : `${place(want)} saying ${JSON.stringify(want.message)}`;
}

function place(one: { file: string; line?: number | undefined }): string {
  return one.line === undefined ? one.file : `${one.file}:${one.line}`;
}

function count(n: number, singular: string, plural: string): string {
  return `${n} ${n === 1 ? singular : plural}`;
}
