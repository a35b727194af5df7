/**
 * A report for a person, case by case, and for a program. Pure. Whatever a rule or a sandbox wrote is made
 * plain on its way to a terminal.
 */
import colors from 'picocolors';
import { isGood } from '../src/rules/case-status.ts';
import type { CaseReport, Report } from '../src/schema/report.ts';
import { plain } from './output.ts';

const MAX_MATCHES = 5;
const MAX_FINDINGS = 10;
const MAX_TEXT_CHARS = 200;
const MAX_CONSOLE_LINES = 40;
const MAX_TREE_LINES = 40;

export function verdictLine(report: Report): string {
  const passed = report.cases.filter((one) => isGood(one.status)).length;
  const color = report.verdict === 'accepted' ? colors.green : colors.red;
  const total = report.cases.length + report.notRun.length;
  const where = `${report.sandbox} (${report.isolation.jail})`;
  return `${color(report.verdict)} ${passed} of ${total} cases pass in the sandbox ${where}, ${Math.round(report.sandboxMs)} ms`;
}

export function caseDocument(one: CaseReport): Record<string, unknown> {
  const { name, kind, status, outcome, durationMs, matchCount, matches, findings, error, console, message } =
    one;
  return {
    name,
    kind,
    status,
    outcome,
    durationMs: Math.round(durationMs),
    matchCount,
    matches,
    findings,
    console,
    ...(error === undefined ? {} : { error }),
    ...(message === undefined ? {} : { message }),
  };
}

/** @param beside said after the status, for example how it was before */
export function caseLine(one: CaseReport, beside = ''): string {
  const mark = isGood(one.status) ? colors.green('✓') : colors.red('✗');
  const message = one.message === undefined ? '' : `  ${plain(one.message)}`;
  const facts = colors.dim(`${one.status}${beside}, ${Math.round(one.durationMs)} ms`);
  return `${mark} ${one.kind.padEnd(7)} ${plain(one.name)}  ${facts}${message}`;
}

/**
 * Everything the sandbox said of the case, indented below its line.
 * @param check text of `check.ts`, to show the line an error is in
 */
export function caseDetails(one: CaseReport, check: string): string[] {
  return [
    ...(one.outcome === 'exited' ? [] : [`${one.stage === 'narrow' ? 'ast-grep' : 'check'}: ${one.outcome}`]),
    ...errorLines(one, check),
    ...matchLines(one),
    ...findingLines(one),
    ...blockLines('console', one.console, MAX_CONSOLE_LINES),
    ...treeLines(one),
  ].map((line) => `    ${line}`);
}

function errorLines({ error }: CaseReport, check: string): string[] {
  if (error === undefined) return [];
  const line = error.line === undefined ? '' : ` (check.ts:${error.line})`;
  return [`${plain(error.name)}: ${cut(error.message)}${line}`, ...excerpt(check, error.line)];
}

/** The line an error is in, with its neighbours. */
export function excerpt(check: string, at: number | undefined): string[] {
  const lines = check.trimEnd().split('\n');
  if (at === undefined || at < 1 || at > lines.length) return [];
  const first = Math.max(1, at - 1);
  return lines.slice(first - 1, at + 1).map((text, index) => {
    const number = first + index;
    return `${number === at ? '>' : ' '} ${String(number).padStart(4)} | ${cut(text)}`;
  });
}

function matchLines(one: CaseReport): string[] {
  if (one.matchCount === 0) return ['no match'];
  const shown = one.matches.slice(0, MAX_MATCHES).map((match) => {
    const captures = Object.entries(match.captures).map(([name, text]) => `$${plain(name)}=${cut(text)}`);
    const place = `${plain(match.file)}:${match.line}:${match.column}`;
    return `  ${plain(match.rule)} ${place}  ${cut(match.text)}${captures.length === 0 ? '' : `  ${captures.join(' ')}`}`;
  });
  return [`matches: ${one.matchCount}`, ...shown, ...more(one.matchCount - shown.length)];
}

function findingLines(one: CaseReport): string[] {
  if (one.findings.length === 0) return ['no finding'];
  const shown = one.findings.slice(0, MAX_FINDINGS).map((finding) => {
    const line = finding.line === undefined ? '' : `:${finding.line}`;
    const column = line === '' || finding.column === undefined ? '' : `:${finding.column}`;
    const severity = finding.severity === undefined ? '' : `${finding.severity}: `;
    return `  ${plain(finding.file)}${line}${column}  ${severity}${cut(finding.message)}`;
  });
  return [`findings: ${one.findings.length}`, ...shown, ...more(one.findings.length - shown.length)];
}

/** Only where nothing matched: there the tree shows what a capture could have matched. */
function treeLines(one: CaseReport): string[] {
  if (one.matchCount > 0 || isGood(one.status)) return [];
  return one.trees.flatMap((tree) =>
    blockLines(`syntax tree of ${plain(tree.file)} (${plain(tree.language)})`, tree.text, MAX_TREE_LINES),
  );
}

function blockLines(title: string, text: string, maxLines: number): string[] {
  if (text.trim() === '') return [];
  const lines = text.replace(/\n+$/, '').split(/\r?\n/);
  const shown = lines.slice(0, maxLines).map((line) => `  | ${cut(line)}`);
  return [`${title}:`, ...shown, ...more(lines.length - shown.length, 'lines ')];
}

function more(count: number, what = ''): string[] {
  return count > 0 ? [`  … ${count} ${what}more`] : [];
}

function cut(text: string): string {
  const line = plain(text).trimEnd();
  return line.length > MAX_TEXT_CHARS ? `${line.slice(0, MAX_TEXT_CHARS).toWellFormed()}…` : line;
}
