import { describe, expect, test } from 'vitest';
import { OUTCOMES } from '../../../container/protocol.ts';
import { reportCase, verdictOf } from '../../../src/rules/case-status.ts';
import { decidesEarly, mergeReports, reportChunk } from '../../../src/rules/report.ts';
import type { HostCaseResult } from '../../../src/schema/report.ts';
import type { RuleCase } from '../../../src/schema/request.ts';
import { answer, caseResult, cases } from '../../support/rule.ts';

const valid: RuleCase = { name: 'v', kind: 'valid', files: { a: '' } };
const invalid: RuleCase = { name: 'i', kind: 'invalid', files: { a: '' } };
const found = [{ file: 'a', line: 3, message: 'Bad thing' }];

describe('case status', () => {
  test.each<[string, RuleCase, Partial<HostCaseResult>, string]>([
    ['valid and silent', valid, {}, 'validated'],
    ['valid with findings', valid, { findings: found }, 'noisy'],
    ['invalid and silent', invalid, {}, 'missing'],
    ['invalid with findings', invalid, { findings: found }, 'reported'],
    ['valid, but the check threw', valid, { error: { name: 'TypeError', message: 'x' } }, 'error'],
    [
      'invalid, but the check threw',
      invalid,
      { findings: found, error: { name: 'E', message: 'x' } },
      'error',
    ],
    [
      'the expected line',
      { ...invalid, findings: [{ file: 'a', line: 3 }] },
      { findings: found },
      'reported',
    ],
    ['another line', { ...invalid, findings: [{ file: 'a', line: 4 }] }, { findings: found }, 'missing'],
    ['another file', { ...invalid, findings: [{ file: 'b' }] }, { findings: found }, 'missing'],
    [
      'part of the message',
      { ...invalid, findings: [{ file: 'a', message: 'bad' }] },
      { findings: found },
      'reported',
    ],
    [
      'another message',
      { ...invalid, findings: [{ file: 'a', message: 'good' }] },
      { findings: found },
      'missing',
    ],
    [
      'more than the expected',
      { ...invalid, findings: [{ file: 'a', line: 3 }] },
      { findings: [...found, { file: 'z', message: 'm' }] },
      'noisy',
    ],
  ])('%s', (_name, one, result, status) => {
    expect(reportCase(one, caseResult(result)).status).toBe(status);
  });

  test.each(OUTCOMES.filter((outcome) => outcome !== 'exited'))(
    'outcome %s is never a good status',
    (outcome) => {
      for (const one of [valid, invalid]) {
        const report = reportCase(
          one,
          caseResult({ outcome, findings: one.kind === 'invalid' ? found : [] }),
        );
        expect(report.status).toBe('error');
        expect(verdictOf([report], [])).toBe(outcome === 'host_error' ? 'inconclusive' : 'rejected');
      }
    },
  );
});

describe('verification', () => {
  const good = [caseResult({ id: 'c0' }), caseResult({ id: 'c1', findings: found })];

  test('all cases good is accepted', () => {
    expect(reportChunk('host', cases, answer(good)).verdict).toBe('accepted');
  });

  test('a case that no chunk ran keeps the rule from being accepted', () => {
    const first = reportChunk('host', cases.slice(0, 1), answer(good.slice(0, 1)));
    const merged = mergeReports([first], cases);
    expect(merged).toMatchObject({ verdict: 'rejected', notRun: ['evaluates'] });
  });

  test('chunks from two builds of the host are no verification', () => {
    const chunks = cases.map((one, n) =>
      reportChunk(
        'host',
        [one],
        answer([{ ...(good[n] ?? caseResult()), id: 'c0' }], {
          build: { id: `${n}`, node: '', astGrep: '' },
        }),
      ),
    );
    expect(mergeReports(chunks, cases).verdict).toBe('inconclusive');
  });

  test('three timed-out cases decide early, two do not', () => {
    const chunk = (n: number) => {
      const all = Array.from({ length: n }, (_, i): RuleCase => ({ ...valid, name: `${i}` }));
      return reportChunk(
        'host',
        all,
        answer(all.map((_, i) => caseResult({ id: `c${i}`, outcome: 'timed_out' }))),
      );
    };
    expect(decidesEarly(chunk(2))).toBe(false);
    expect(decidesEarly(chunk(3))).toBe(true);
  });

  test('a case the host left out keeps the rule from being accepted', () => {
    const chunk = reportChunk('host', cases, answer(good.slice(0, 1), { notRun: ['c1'] }));
    expect(chunk).toMatchObject({ verdict: 'rejected', notRun: ['evaluates'] });
  });

  test('an empty verification is never accepted', () => {
    expect(verdictOf([], [])).toBe('rejected');
  });
});
