/** A run's report as a person reads it: findings by file with their lines, then what gave no answer, then the sum. */
import { codeFrameColumns } from '@babel/code-frame';
import colors from 'picocolors';
import type { Severity } from '../../container/protocol.ts';
import { counted, plain, print } from '../output.ts';
import type { CheckReport, RuleReport, ShownFinding } from './report.ts';
import type { SourceFiles } from './source-file.ts';

/** A longer line is not for a terminal; it is most often no source at all. */
const MAX_SHOWN_LINE_CHARS = 240;
const PAINT: Readonly<Record<Severity, (text: string) => string>> = {
  error: colors.red,
  warning: colors.yellow,
  info: colors.cyan,
};

export function printReport(report: CheckReport, sources: SourceFiles): void {
  let file: string | undefined;
  for (const finding of report.findings) {
    if (finding.file !== file) {
      print(colors.underline(plain(finding.file)));
      file = finding.file;
    }
    printFinding(finding, sources);
  }
  for (const rule of report.rules) printUnanswered(rule);
  printNotScanned(report);
  print(summary(report));
}

function printFinding(finding: ShownFinding, sources: SourceFiles): void {
  const { line, column, severity, message, rule } = finding;
  const place = line === undefined ? '' : column === undefined ? `${line}` : `${line}:${column}`;
  const head = [
    place.padEnd(7),
    PAINT[severity](severity.padEnd(7)),
    plain(message),
    colors.dim(plain(rule)),
  ];
  print(`  ${head.join('  ')}`);
  const frame = frameOf(finding, sources);
  if (frame !== undefined) print(`${frame}\n`);
}

function frameOf({ file, line, column }: ShownFinding, sources: SourceFiles): string | undefined {
  if (line === undefined) return undefined;
  const lines = sources.lines(file);
  if (lines === undefined || line > lines.length) return undefined;
  const first = Math.max(1, line - 1);
  // Only what is shown: cut to the lines round it, each made harmless and short.
  const near = lines.slice(first - 1, line + 1).map((text) => cut(plain(text)));
  const start = { line, ...(column === undefined ? {} : { column }) };
  const options = { linesAbove: 1, linesBelow: 1, startLine: first, highlightCode: false };
  const at = {
    start: column === undefined ? start : { ...start, column: Math.min(column, MAX_SHOWN_LINE_CHARS) },
  };
  return codeFrameColumns(near.join('\n'), at as Parameters<typeof codeFrameColumns>[1], options)
    .split('\n')
    .map((text) => `    ${text}`)
    .join('\n');
}

function cut(text: string): string {
  return text.length > MAX_SHOWN_LINE_CHARS ? `${text.slice(0, MAX_SHOWN_LINE_CHARS - 1)}…` : text;
}

function printUnanswered({ name, status, refusal, origin }: RuleReport): void {
  if (refusal === undefined) return;
  const word = status === 'ignored' ? colors.yellow('ignored') : colors.red(status);
  const bundle = origin === undefined ? '' : colors.dim(` bundle ${origin.bundleSha256.slice(0, 12)}`);
  print(`${word} ${plain(name)}: ${plain(refusal.message)} (${refusal.reason})${bundle}`);
}

function printNotScanned({ notScanned }: CheckReport): void {
  for (const { reason, count, files } of notScanned) {
    const named = files.slice(0, 3).map(plain).join(', ');
    const more = count > 3 ? ', …' : '';
    const paint = reason === 'unreadable' ? colors.red : colors.yellow;
    print(paint(`not scanned: ${counted(count, 'file')} ${WHY[reason]}: ${named}${more}`));
  }
}

const WHY = {
  unreadable: 'that rooms may not read (they run as a user without rights)',
  not_utf8: 'not in UTF-8',
  too_large: 'too large for ast-grep',
} as const;

function summary(report: CheckReport): string {
  const { counts, rules } = report;
  const total = counts.error + counts.warning + counts.info;
  const kinds = [
    [counts.error, 'error'],
    [counts.warning, 'warning'],
    [counts.info, 'info'],
  ] as const;
  const parts = kinds.filter(([count]) => count > 0).map(([count, noun]) => counted(count, noun));
  const findings = total === 0 ? 'no findings' : `${counted(total, 'finding')} (${parts.join(', ')})`;
  const shown = report.truncated ? `, ${report.findings.length} shown (--max-findings)` : '';
  const of = (status: RuleReport['status']): number => rules.filter((rule) => rule.status === status).length;
  const without = (['refused', 'failed', 'ignored'] as const)
    .filter((status) => of(status) > 0)
    .map((status) => `${of(status)} ${status}`);
  const ran = [`${counted(of('checked'), 'rule')} checked`, ...without].join(', ');
  const seconds = (report.durationMs / 1000).toFixed(1);
  return `${findings}${shown}; ${ran}; ${counted(report.scannedFiles, 'file')} in ${seconds} s`;
}
