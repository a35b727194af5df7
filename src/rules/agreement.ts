/**
 * Whether two back ends say the same of one rule. Pure. They agree when every case has the same status
 * and the same findings, in any order; how long it took and how the matches were found may differ.
 */
import type { CaseReport, Report } from '../schema/report.ts';
import { isGood } from './case-status.ts';

/** A case of which two reports say different things. */
export interface Disagreement {
  readonly first: CaseReport;
  /** Undefined when the second sandbox did not run the case. */
  readonly second: CaseReport | undefined;
  readonly message: string;
}

export function disagreements(first: Report, second: Report): Disagreement[] {
  return first.cases.flatMap((one) => {
    const other = second.cases.find((each) => each.kind === one.kind && each.name === one.name);
    if (other !== undefined && sameAnswer(one, other)) return [];
    const says = `${first.sandbox}: ${answerOf(one)}; ${second.sandbox}: ${other === undefined ? 'did not run it' : answerOf(other)}`;
    return [{ first: one, second: other, message: says }];
  });
}

/** The cases of the first report, with what the second says where the two differ. */
export function casesAfter(first: Report, differing: readonly Disagreement[]): CaseReport[] {
  return first.cases.map((one) => {
    const found = differing.find((each) => each.first === one);
    if (found === undefined) return one;
    const status = found.second === undefined || isGood(found.second.status) ? 'error' : found.second.status;
    return { ...one, status, message: `the sandboxes disagree: ${found.message}` };
  });
}

function sameAnswer(one: CaseReport, other: CaseReport): boolean {
  if (one.status !== other.status) return false;
  return JSON.stringify(findingsOf(one)) === JSON.stringify(findingsOf(other));
}

/** As sorted text, because the order in which a directory is read is not the same everywhere. */
function findingsOf(one: CaseReport): string[] {
  return one.findings
    .map(({ file, line, column, severity, message }) =>
      JSON.stringify([file, line ?? null, column ?? null, severity ?? null, message]),
    )
    .sort();
}

const MOST_FINDINGS = 3;

function answerOf(one: CaseReport): string {
  const found = one.findings.map(
    ({ file, line, message }) => `${file}:${line ?? '?'} ${JSON.stringify(message)}`,
  );
  const more = found.length > MOST_FINDINGS ? ` and ${found.length - MOST_FINDINGS} more` : '';
  const list = found.length === 0 ? '' : ` (${found.slice(0, MOST_FINDINGS).join(', ')}${more})`;
  const why = one.message === undefined ? '' : `, ${one.message}`;
  return `${one.status}${list}${why}`;
}
