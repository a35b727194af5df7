import { describe, expect, test } from 'vitest';
import { filesDigest, tasklessEnvelope } from '../../../src/rules/digest.ts';
import { caseDirectories, parseRuleDirectory, ruleDirectory } from '../../../src/rules/layout.ts';
import type { RuleCase } from '../../../src/schema/request.ts';

const rule = { 'check.ts': 'x\n', 'captures/a.yml': 'y\n' };
const cases: RuleCase[] = [
  { name: 'Uses a Thing!', kind: 'valid', files: { 'src/a.ts': '1', '.env': '2' } },
  { name: 'uses a thing', kind: 'valid', files: { 'a.ts': '3' } },
  { name: 'bad', kind: 'invalid', files: { 'a.ts': '4' }, findings: [{ file: 'a.ts', line: 1 }] },
];

test('case names become folders that never clash', () => {
  expect(caseDirectories(cases)).toEqual([
    '.tests/valid/uses-a-thing',
    '.tests/valid/uses-a-thing-2',
    '.tests/invalid/bad',
  ]);
});

test('a rule directory read back gives the same cases, expected findings included', () => {
  const parsed = parseRuleDirectory({
    ...ruleDirectory({ name: 'x', engine: 'runtime', files: rule, captures: [] }, cases),
    'rule.sigstore.json': '{}',
  });
  if (!parsed.ok) throw new Error('refused');
  expect(parsed.value.ruleFiles).toEqual(rule);
  const shape = (all: readonly RuleCase[]) =>
    all
      .map(({ kind, files, findings }) => [kind, Object.entries(files).sort(), findings])
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  expect(shape(parsed.value.cases)).toEqual(shape(cases));
});

describe('a rule directory that is not one', () => {
  test.each([
    [{ ...rule, '.tests/other/x/a.ts': '' }, 'stray_test_file'],
    [{ ...rule, '.tests/valid/a.ts': '' }, 'stray_test_file'],
    [{ ...rule, '.tests/findings.json': '{' }, 'findings_file'],
    [{ ...rule, '.tests/findings.json': '{"invalid/x":[]}' }, 'findings_file'],
  ])('%j', (files, reason) => {
    const parsed = parseRuleDirectory(files);
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.reason)).toContain(reason);
  });
});

describe('the Taskless content hash', () => {
  const EMPTY = '1;h=sha-256;d=01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b';
  test.each([
    ['empty input becomes one line feed', '', EMPTY],
    ['several trailing line feeds are one', '\n\n\n', EMPTY],
    ['a lone carriage return is a line feed', '\r', EMPTY],
    ['a leading byte order mark is dropped', '\ufeff', EMPTY],
  ])('%s', async (_name, text, expected) => expect(await tasklessEnvelope(text)).toBe(expected));

  test('line ends do not matter, content and inner marks do', async () => {
    const base = await tasklessEnvelope('a\nb\n');
    expect(await tasklessEnvelope('\ufeffa\r\nb')).toBe(base);
    expect(await tasklessEnvelope('a\nc\n')).not.toBe(base);
    expect(await tasklessEnvelope('a\ufeff\nb\n')).not.toBe(base);
    expect(await tasklessEnvelope('\ufeff\ufeffa\nb\n')).not.toBe(base);
  });
});

test('a digest of files depends on every path and every byte, not on their order', async () => {
  const base = await filesDigest({ a: '1', b: '2' });
  expect(await filesDigest({ b: '2', a: '1' })).toBe(base);
  const others: Record<string, string>[] = [
    { a: '1' },
    { a: '12', b: '' },
    { a: '2', b: '1' },
    { a: '1', c: '2' },
  ];
  for (const other of others) {
    expect(await filesDigest(other)).not.toBe(base);
  }
});
