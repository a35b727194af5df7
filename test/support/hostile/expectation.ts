/** Compares what a case came to with what the header of its attack says it must come to. Pure. */
import type { HostCaseResult } from '../../../src/schema/report.ts';
import type { Attack, End } from './attack.ts';
import { COLUMNS, type Column } from './names.ts';

export type Expected = { readonly ends: readonly End[] } | { readonly skipped: string };

export function expectedOf(attack: Attack, column: Column, endsRunaways: boolean): Expected {
  const difference = attack.on[column] ?? attack.on[COLUMNS[column]];
  if (difference !== undefined && 'skip' in difference) return { skipped: difference.because };
  if (attack.runaway && !endsRunaways) {
    return { skipped: 'nothing enforces time or memory there on this machine' };
  }
  return { ends: difference?.expect ?? attack.expect };
}

/** Undefined when `result` is one of the expected ends; else how it differs from the last of them. */
export function differs(result: HostCaseResult, ends: readonly End[]): string | undefined {
  let problem: string | undefined = 'no end is expected';
  for (const end of ends) {
    problem = difference(result, end);
    if (problem === undefined) return undefined;
  }
  return `${problem}; it came to ${summary(result)}`;
}

function difference(result: HostCaseResult, end: End): string | undefined {
  const { error } = result;
  if (result.outcome !== end.outcome) return `outcome is not ${end.outcome}`;
  if (result.stage !== end.stage) return `stage is not ${end.stage}`;
  if (!sameFindings(result.findings, end.findings)) {
    return `findings are not ${JSON.stringify(end.findings)}`;
  }
  if (end.console !== undefined && result.console !== end.console) {
    return `console is not ${JSON.stringify(end.console)}`;
  }
  if (end.error === undefined) {
    // Every other outcome says what it means by an error; a plain end has none.
    if (end.outcome === 'exited') return error === undefined ? undefined : 'there is an error';
    return error === undefined ? 'there is no error' : undefined;
  }
  if (error?.name !== end.error.name) return `error is not ${end.error.name}`;
  if (end.error.message !== undefined && !new RegExp(end.error.message).test(error.message)) {
    return `error message does not match ${end.error.message}`;
  }
  if (end.error.line !== undefined && error.line !== end.error.line)
    return `error line is not ${end.error.line}`;
  return undefined;
}

const FIELDS = ['file', 'message', 'line', 'column', 'severity'] as const;

function sameFindings(found: HostCaseResult['findings'], wanted: End['findings']): boolean {
  return (
    found.length === wanted.length &&
    found.every((finding, index) => FIELDS.every((field) => finding[field] === wanted[index]?.[field]))
  );
}

function summary(result: HostCaseResult): string {
  const { outcome, stage, findings, error, console } = result;
  return JSON.stringify({
    outcome,
    stage,
    error,
    findings: findings.slice(0, 5),
    console: console.slice(0, 500),
  });
}

/** A cell of the matrix. */
export function nameOf(result: HostCaseResult): string {
  const { outcome, error, findings } = result;
  if (outcome !== 'exited') return outcome;
  if (error !== undefined) return error.name;
  return findings.length === 0 ? 'silent' : `${findings.length} finding${findings.length > 1 ? 's' : ''}`;
}
