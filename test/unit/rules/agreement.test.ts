/** Whether two reports agree, and what is shown where they do not. */
import { describe, expect, test } from 'vitest';
import { casesAfter, disagreements } from '../../../src/rules/agreement.ts';
import type { CaseReport, Report } from '../../../src/schema/report.ts';
import { acceptedReport } from '../../support/rule.ts';

const first = acceptedReport();
const second = (change: (one: CaseReport) => Partial<CaseReport>): Report => ({
  ...first,
  sandbox: 'isolate',
  cases: first.cases.map((one) => ({ ...one, ...change(one) })),
});
const two = [
  { file: 'a.ts', line: 1, message: 'm' },
  { file: 'b.ts', line: 2, message: 'm' },
];

describe('two sandboxes', () => {
  test('agree when only times, matches and console differ', () => {
    const other = second(() => ({ durationMs: 999, matchCount: 7, console: 'hi' }));
    expect(disagreements(first, other)).toEqual([]);
  });

  test('agree whatever the order of the findings', () => {
    const ordered: Report = { ...first, cases: first.cases.map((one) => ({ ...one, findings: two })) };
    expect(
      disagreements(
        ordered,
        second(() => ({ findings: [...two].reverse() })),
      ),
    ).toEqual([]);
  });

  test.each<[string, (one: CaseReport) => Partial<CaseReport>]>([
    ['a status', () => ({ status: 'error' })],
    ['a line', (one) => ({ findings: one.findings.map((found) => ({ ...found, line: 9 })) })],
    ['a message', (one) => ({ findings: one.findings.map((found) => ({ ...found, message: 'x' })) })],
    ['a severity', (one) => ({ findings: one.findings.map((found) => ({ ...found, severity: 'info' })) })],
    ['a finding twice', (one) => ({ findings: [...one.findings, ...one.findings] })],
  ])('disagree over %s', (_what, change) => {
    expect(disagreements(first, second(change)).length).toBeGreaterThan(0);
  });

  test('disagree over a case that one did not run', () => {
    const other = { ...first, sandbox: 'isolate' as const, cases: first.cases.slice(1) };
    expect(disagreements(first, other)).toMatchObject([
      { second: undefined, message: expect.stringContaining('isolate: did not run it') },
    ]);
  });

  test('a case they disagree over is never a good one afterwards', () => {
    const other = second((one) => ({ findings: one.findings.map((found) => ({ ...found, line: 9 })) }));
    const differing = disagreements(first, other);
    const after = casesAfter(first, differing);
    expect(after.map((one) => one.status)).toEqual(['validated', 'error']);
    expect(after[1]?.message).toMatch(/host: reported \(a\.ts:1 .*isolate: reported \(a\.ts:9/);
  });
});
