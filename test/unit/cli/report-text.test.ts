import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { plain } from '../../../cli/output.ts';
import { caseDetails, caseLine, excerpt } from '../../../cli/report-text.ts';
import type { CaseReport } from '../../../src/schema/report.ts';
import { acceptedReport } from '../../support/rule.ts';

const [base] = acceptedReport().cases;
if (base === undefined) throw new Error('no case');
const one = (over: Partial<CaseReport>): CaseReport => ({ ...base, ...over });
const ESCAPES = '\u001b[31m\u0007\r\u202e\u2028';

describe('the line of an error', () => {
  const check = 'one\ntwo\nthree\n';
  test.each<[number | undefined, string[]]>([
    [1, ['>    1 | one', '     2 | two']],
    [2, ['     1 | one', '>    2 | two', '     3 | three']],
    [3, ['     2 | two', '>    3 | three']],
    [4, []],
    [0, []],
    [undefined, []],
  ])('%s', (line, shown) => {
    expect(excerpt(check, line)).toEqual(shown);
  });
});

test('whatever a rule or a sandbox wrote is on one plain line of its own', () => {
  const hostile = one({
    name: `a${ESCAPES}`,
    message: `b${ESCAPES}\nc`,
    outcome: 'invalid_result',
    matchCount: 1,
    matches: [
      {
        rule: ESCAPES,
        ruleId: 'r',
        file: `f${ESCAPES}\nx`,
        line: 1,
        column: 1,
        text: `t\n${ESCAPES}`,
        captures: { [`A${ESCAPES}`]: `\n${ESCAPES}` },
      },
    ],
    findings: [{ file: `f${ESCAPES}`, message: `m\n${ESCAPES}` }],
    error: { name: `E${ESCAPES}`, message: `x\n${ESCAPES}`, line: 1 },
    console: `first${ESCAPES}\nsecond`,
  });
  const lines = [stripVTControlCharacters(caseLine(hostile)), ...caseDetails(hostile, `check${ESCAPES}`)];
  for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
  expect(lines).toContain('    console:');
  expect(lines).toContain('      | second');
});

test('long output is cut, and says so', () => {
  const many = one({
    matchCount: 2_000,
    matches: Array.from({ length: 20 }, (_, n) => ({
      rule: 'r',
      ruleId: 'r',
      file: 'f',
      line: n + 1,
      column: 1,
      text: 'x'.repeat(500),
      captures: {},
    })),
    findings: Array.from({ length: 50 }, () => ({ file: 'f', message: 'm' })),
    console: 'line\n'.repeat(100),
  });
  const lines = caseDetails(many, '');
  expect(lines.length).toBeLessThan(70);
  expect(lines).toContain('      … 1995 more');
  expect(lines).toContain('      … 40 more');
  expect(lines).toContain('      … 60 lines more');
});

test('the tree is shown only where a capture missed', () => {
  const trees = [{ file: 'a.ts', language: 'typescript', text: 'program 1:1' }];
  const tree = '      | program 1:1';
  expect(caseDetails(one({ trees, matchCount: 0, status: 'missing' }), '')).toContain(tree);
  expect(caseDetails(one({ trees, matchCount: 0, status: 'validated' }), '')).not.toContain(tree);
  expect(caseDetails(one({ trees, matchCount: 1, status: 'missing' }), '')).not.toContain(tree);
});

test('plain text keeps everything a person can see', () => {
  expect(plain('ünïcode 漢字 🙂 "x"')).toBe('ünïcode 漢字 🙂 "x"');
});
