/**
 * What the model is told after an attempt that did not pass. Built from stored results alone, so that
 * the same report always gives the same feedback. Text that came out of the sandbox is data: capped,
 * stripped of control characters and fenced.
 */
import type { Disagreement } from '../rules/agreement.ts';
import { isGood } from '../rules/case-status.ts';
import type { Problem } from '../rules/result.ts';
import type { CaseReport, Report } from '../schema/report.ts';
import type { Engine, RuleCase } from '../schema/request.ts';

const MAX_MATCHES = 8;
const MAX_FINDINGS = 8;
const MAX_TEXT_CHARS = 300;
const MAX_CONSOLE_CHARS = 2_000;
const MAX_TREE_LINES = 40;
const MAX_OTHER_CASES = 15;

export function inspectionFeedback(problems: readonly Problem[]): string {
  return [
    'The rule was refused before any test:',
    ...problems.slice(0, 20).map((problem) => `- ${problem.message}`),
    '',
    'Answer with the complete corrected object.',
  ].join('\n');
}

export function truncationFeedback(engine: Engine): string {
  const shorter =
    engine === 'sg'
      ? 'Write a much shorter rule.'
      : 'Write a much shorter rule: let the captures narrow, keep the check small.';
  return `Your answer was cut off before its end because it was too long. ${shorter} Answer with the complete object.`;
}

/** First failing case in full, the others by one line each. */
export function reportFeedback(report: Report, cases: readonly RuleCase[]): string {
  const failing = report.cases.filter((one) => !isGood(one.status));
  const [first, ...others] = failing;
  if (first === undefined) throw new RangeError('nothing failed');
  const passed = report.cases.length - failing.length;
  const total = report.cases.length + report.notRun.length;
  const source = cases.find((one) => one.name === first.name && one.kind === first.kind);
  const lines = [
    `The rule passes ${passed} of ${total} cases. First failing case:`,
    '',
    ...caseSection(first, source),
  ];
  if (others.length > 0) lines.push('', 'Also failing:', ...others.slice(0, MAX_OTHER_CASES).map(caseLine));
  if (others.length > MAX_OTHER_CASES) lines.push(`- and ${others.length - MAX_OTHER_CASES} more`);
  if (report.notRun.length > 0)
    lines.push('', `${report.notRun.length} cases were not run after these failures.`);
  lines.push('', 'Fix the cause, not the case. Answer with the complete corrected object.');
  return lines.join('\n');
}

/** An accepted rule of which a second, different sandbox says something else. */
export function disagreementFeedback(
  first: Report,
  second: Report,
  differing: readonly Disagreement[],
): string {
  const [worst, ...others] = differing;
  if (worst === undefined) throw new RangeError('the sandboxes agree');
  const line = (one: Disagreement) =>
    `- ${one.first.kind} case ${JSON.stringify(one.first.name)}: ${clean(one.message, 1_000)}`;
  const lines = [
    `The rule passes every case in the first sandbox (${first.sandbox}), but a second, different one (${second.sandbox}) says otherwise. A rule must give the same findings everywhere: no clock, no randomness, no state between runs, nothing that depends on the machine, only plain calls of the allowed modules.`,
    '',
    line(worst),
  ];
  if (worst.second !== undefined)
    lines.push('', `In the ${second.sandbox}:`, ...caseSection(worst.second, undefined));
  if (others.length > 0) lines.push('', 'Also different:', ...others.slice(0, MAX_OTHER_CASES).map(line));
  lines.push('', 'Fix the cause, not the case. Answer with the complete corrected object.');
  return lines.join('\n');
}

function caseSection(one: CaseReport, source: RuleCase | undefined): string[] {
  const lines = [caseLine(one)];
  if (one.stage === 'check' || one.matchCount > 0) lines.push(...matchLines(one));
  if (one.findings.length > 0) {
    lines.push('Findings:');
    for (const finding of one.findings.slice(0, MAX_FINDINGS)) {
      lines.push(`- ${finding.file}:${finding.line ?? '?'} ${clean(finding.message, MAX_TEXT_CHARS)}`);
    }
  }
  if (one.console !== '')
    lines.push('Console output of the check:', ...fenced(clean(one.console, MAX_CONSOLE_CHARS)));
  for (const tree of one.trees) {
    const around = source?.findings?.find((want) => want.file === tree.file)?.line;
    lines.push(`Syntax tree of ${tree.file} (${tree.language}), kinds as ast-grep sees them:`);
    lines.push(...fenced(treeExcerpt(tree.text, around)));
  }
  return lines;
}

function matchLines(one: CaseReport): string[] {
  if (one.matchCount === 0) return [];
  const lines = [`Matches (${one.matchCount}):`];
  for (const match of one.matches.slice(0, MAX_MATCHES)) {
    const captures = clean(JSON.stringify(match.captures), MAX_TEXT_CHARS);
    lines.push(
      `- ${match.rule} ${match.file}:${match.line} ${clean(JSON.stringify(match.text), MAX_TEXT_CHARS)} captures ${captures}`,
    );
  }
  return lines;
}

function caseLine(one: CaseReport): string {
  return `- ${one.kind} case ${JSON.stringify(one.name)}: ${one.status}${one.message === undefined ? '' : `: ${clean(one.message, 1_000)}`}`;
}

/** The lines of the tree nearest to the expected line; its beginning when no line is expected. */
function treeExcerpt(tree: string, aroundLine: number | undefined): string {
  const lines = tree.split('\n');
  if (lines.length <= MAX_TREE_LINES) return clean(tree, 8_000);
  const at = aroundLine === undefined ? 0 : nearestTreeLine(lines, aroundLine);
  const from = Math.max(0, Math.min(at - Math.floor(MAX_TREE_LINES / 3), lines.length - MAX_TREE_LINES));
  const shown = lines.slice(from, from + MAX_TREE_LINES);
  return clean([...(from > 0 ? ['…'] : []), ...shown, '…'].join('\n'), 8_000);
}

/** Tree lines are `field: kind line:column text`, 1-based, indented by depth. */
function nearestTreeLine(lines: readonly string[], sourceLine: number): number {
  const found = lines.findIndex(
    (text) => Number(/^\s*(?:\S+: )?\S+ (\d+):\d+/.exec(text)?.[1] ?? 0) >= sourceLine,
  );
  return found < 0 ? 0 : found;
}

function fenced(text: string): string[] {
  let fence = '-----';
  while (text.includes(fence)) fence += '-';
  return [fence, text, fence];
}

function clean(text: string, maxChars: number): string {
  const plain = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '');
  return plain.length <= maxChars ? plain : `${plain.slice(0, maxChars)}… (${plain.length} characters)`;
}
