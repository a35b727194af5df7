import { expect, it } from 'vitest';
import { Findings } from '../../../../cli/check/findings.ts';
import { jsonReport } from '../../../../cli/check/json-report.ts';
import type { CheckReport } from '../../../../cli/check/report.ts';
import { sarifReport } from '../../../../cli/check/sarif-report.ts';

const report: CheckReport = {
  root: '/r',
  rules: [
    { name: 'good', status: 'checked', matches: 2, findings: 2 },
    {
      name: 'bad',
      status: 'refused',
      refusal: { reason: 'file_changed', message: 'changed' },
      matches: 0,
      findings: 0,
    },
  ],
  findings: [
    {
      rule: 'good',
      file: 'a.__proto__',
      message: 'SARIF_BUILDER_INVALID',
      severity: 'error',
      fingerprint: 'f:1',
    },
    { rule: 'good', file: 'b.constructor', message: 'm', severity: 'info', line: 3, fingerprint: 'g:1' },
  ],
  counts: { error: 1, warning: 0, info: 1 },
  truncated: false,
  scannedFiles: 2,
  notScanned: [{ reason: 'not_utf8', count: 1, files: ['c.ts'] }],
  isolation: null,
  durationMs: 5,
};

it('SARIF says what was found and what has no answer, whatever a check wrote', () => {
  const [run] = sarifReport(report, 2, '1').runs;
  expect(run?.results?.map(({ message, level }) => [message.text, level])).toEqual([
    ['SARIF_BUILDER_INVALID', 'error'],
    ['m', 'note'],
  ]);
  expect(run?.results?.map(({ ruleId, ruleIndex }) => [ruleId, ruleIndex])).toEqual([
    ['good', 0],
    ['good', 0],
  ]);
  expect(run?.invocations).toMatchObject([
    {
      executionSuccessful: false,
      toolExecutionNotifications: [
        { level: 'error', descriptor: { id: 'file_changed' }, properties: { rule: 'bad' } },
        { level: 'warning', descriptor: { id: 'not_utf8' } },
      ],
    },
  ]);
  // Nothing that JSON would lose or that has no meaning there.
  expect(JSON.parse(JSON.stringify(run))).toEqual(run);
  expect(run?.artifacts?.map((one) => Object.keys(one).sort())).toEqual([['location'], ['location']]);
});

it('JSON names no bundle where nothing was verified', () => {
  const { rules, counts, exitCode } = jsonReport(report, 2) as {
    rules: object[];
    counts: object;
    exitCode: number;
  };
  expect(rules[1]).toMatchObject({ name: 'bad', reason: 'file_changed', bundleSha256: null, keyId: null });
  expect(counts).toEqual({ error: 1, warning: 0, info: 1, total: 2 });
  expect(exitCode).toBe(2);
});

it('what is kept are the more serious findings, and all are counted', () => {
  const findings = new Findings(2, new Set(['a', 'b']));
  expect(
    findings.add('r', [
      { file: 'b', message: '1' },
      { file: 'a', message: '2', severity: 'info' },
    ]),
  ).toBe(2);
  expect(
    findings.add('s', [
      { file: 'b', message: '3', severity: 'error' },
      { file: 'c', message: '4' },
    ]),
  ).toBe(1);
  expect(findings.shown().map(({ message, severity }) => [message, severity])).toEqual([
    ['1', 'warning'],
    ['3', 'error'],
  ]);
  expect(findings.counts).toEqual({ error: 1, warning: 1, info: 1 });
  expect(findings.truncated).toBe(true);
});
