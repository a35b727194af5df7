import { describe, expect, test } from 'vitest';
import { beside, compare } from '../../../../cli/replay/compare.ts';
import type { CaseReport, Report } from '../../../../src/schema/report.ts';
import { acceptedReport } from '../../../support/rule.ts';

const report = (
  change: (one: CaseReport) => Partial<CaseReport> = () => ({}),
  over: Partial<Report> = {},
): Report => {
  const base = acceptedReport();
  return { ...base, cases: base.cases.map((one) => ({ ...one, ...change(one) })), ...over };
};
const noisy = report((one) => (one.kind === 'valid' ? { status: 'noisy' } : {}), { verdict: 'rejected' });

describe('a whole replay', () => {
  test('agrees when verdict and every status are the stored ones', () => {
    expect(compare(report(), report(), true)).toMatchObject({ agrees: true, storedVerdict: 'accepted' });
    expect(compare(noisy, noisy, true).agrees).toBe(true);
  });

  test('differs by one status, in either direction', () => {
    for (const [now, then] of [
      [noisy, report()],
      [report(), noisy],
    ] as const) {
      const comparison = compare(now, then, true);
      expect(comparison.agrees).toBe(false);
      expect(comparison.cases.map((one) => one.agrees)).toEqual([false, true]);
    }
  });

  test('differs by the verdict alone', () => {
    const leftOut = report(undefined, { verdict: 'rejected' });
    expect(compare(report(), leftOut, true).agrees).toBe(false);
  });

  test('a case that was not run then says nothing', () => {
    const then = report();
    const half = { ...then, cases: then.cases.slice(0, 1), notRun: ['evaluates'] };
    const comparison = compare(report(), half, true);
    expect(comparison.cases.map((one) => one.agrees)).toEqual([true, null]);
    expect(comparison.agrees).toBe(true);
  });

  test('has nothing to say where nothing is stored, or where our side failed', () => {
    expect(compare(report(), null, true)).toMatchObject({ agrees: null, storedVerdict: null });
    expect(compare(report(undefined, { verdict: 'inconclusive' }), report(), true).agrees).toBeNull();
  });

  test('the same name under the other label is another case', () => {
    const then = report((one) => ({ kind: one.kind === 'valid' ? 'invalid' : 'valid' }));
    expect(compare(report(), then, true).cases.map((one) => one.stored)).toEqual([null, null]);
  });
});

describe('a part of the cases', () => {
  const part = (all: Report): Report => ({ ...all, cases: all.cases.slice(0, 1) });

  test('is compared case by case, without the verdict', () => {
    expect(compare(part(report()), report(undefined, { verdict: 'rejected' }), false).agrees).toBe(true);
    expect(compare(part(noisy), report(), false).agrees).toBe(false);
  });

  test('of which none was run then has no comparison', () => {
    expect(compare(part(report()), { ...report(), cases: [] }, false).agrees).toBeNull();
  });
});

test('what stands beside a status: as stored, or what it was', () => {
  const texts = (now: Report, then: Report | null) => compare(now, then, true).cases.map(beside);
  expect(texts(report(), report())).toEqual([' as stored', ' as stored']);
  expect(texts(report(), noisy)).toEqual([', was noisy', ' as stored']);
  expect(texts(report(), null)).toEqual(['', '']);
  const killed = report(() => ({ status: 'error', outcome: 'memory_exceeded' }));
  const hung = report(() => ({ status: 'error', outcome: 'timed_out' }));
  expect(texts(killed, hung)).toEqual(Array(2).fill(' as stored (was timed_out)'));
  expect(texts(report(), hung)).toEqual(Array(2).fill(', was error (timed_out)'));
});
