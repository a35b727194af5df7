/** `sg` rules: how they are written, what may be signed, and how their cases become snippets. */
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { assembleSg } from '../../../src/rules/assemble-sg.ts';
import { inspectSg, isSgRule, readSg } from '../../../src/rules/inspect-sg.ts';
import { parseRuleDirectory, ruleDirectory } from '../../../src/rules/layout.ts';
import { sandboxRule } from '../../../src/rules/sandbox-rule.ts';
import { snippetsOf } from '../../../src/rules/sg-test-file.ts';
import type { RuleCase } from '../../../src/schema/request.ts';
import { cases } from '../../support/rule.ts';
import { goodSgReply, sgRule } from '../../support/sg.ts';

const identity = { name: 'no-eval', severity: 'warning' } as const;
const TEXT = 'id: no-eval\nlanguage: typescript\nseverity: error\nmessage: eval is used\n';
const inspected = (text: string, path = 'no-eval.yml') =>
  inspectSg({ name: 'no-eval', summary: '', files: { [path]: text } });
const reasonsOf = (result: ReturnType<typeof inspected>) =>
  result.ok ? [] : result.problems.map(({ reason }) => reason);

describe('a draft', () => {
  test('becomes one file; what the service decides is not the draft’s', () => {
    const yaml =
      'severity: info\nid: other\nconstraints:\n  CODE:\n    kind: identifier\nrule:\n  pattern: eval($CODE)\n';
    const files = assembleSg({ ...goodSgReply, yaml, note: ' use JSON.parse ' }, identity);
    if (!files.ok) throw new Error('refused');
    expect(Object.keys(files.value)).toEqual(['no-eval.yml']);
    const text = files.value['no-eval.yml'] ?? '';
    expect(parse(text)).toEqual({
      id: 'no-eval',
      language: 'typescript',
      severity: 'warning',
      message: 'eval is used',
      note: 'use JSON.parse',
      rule: { pattern: 'eval($CODE)' },
      constraints: { CODE: { kind: 'identifier' } },
    });
    expect(inspected(text).ok).toBe(true);
  });

  test.each([
    [{ language: 'cobol' }, 'sg_language'],
    [{ yaml: 'rule: [' }, 'sg_yaml'],
    [{ yaml: '- 1' }, 'sg_yaml'],
    [{ yaml: 'kind: x' }, 'sg_key'],
    [{ yaml: 'rule: { kind: x }\nfix: y' }, 'sg_key'],
    [{ yaml: 'utils: {}' }, 'sg_no_rule'],
    [{ yaml: `rule: { kind: ${'x'.repeat(17_000)} }` }, 'sg_too_large'],
    [{ yaml: `a: &a [x]\nrule: [${'*a, '.repeat(30)}]` }, 'sg_yaml'],
  ])('%j is refused', (over, reason) => {
    const files = assembleSg({ ...goodSgReply, ...over }, identity);
    expect(files.ok ? [] : files.problems.map((one) => one.reason)).toEqual([reason]);
  });
});

describe('inspection', () => {
  test('gives what a sandbox and a statement need', () => {
    const rule = sgRule();
    expect(rule).toMatchObject({
      engine: 'sg',
      report: { message: 'eval is used', severity: 'error' },
      captures: [
        { file: 'no-eval.yml', id: 'no-eval', match: 'anchor', language: 'typescript', scoped: false },
      ],
      capabilities: { imports: [], readsFiles: false, startsProcesses: false, usesNetwork: false },
      size: { captures: 1, checkLines: 0, checkBytes: 0 },
    });
    const input = sandboxRule(rule);
    expect(input.files).toEqual({ 'captures/no-eval.yml': rule.files['no-eval.yml'] });
    expect(input.captures[0]?.file).toBe('captures/no-eval.yml');
    expect(input.report).toEqual(rule.report);
  });

  test.each([
    ['a fix', `${TEXT}rule: { pattern: eval($A) }\nfix: parse($A)\n`, 'sg_schema'],
    ['rewriters', `${TEXT}rule: { pattern: eval($A) }\nrewriters: []\n`, 'sg_schema'],
    ['metadata', `${TEXT}rule: { pattern: eval($A) }\nmetadata: { taskless: {} }\n`, 'sg_schema'],
    ['no rule', TEXT, 'sg_schema'],
    ['no message', TEXT.replace(/message.*\n/, 'rule: { kind: x }\n'), 'sg_schema'],
    ['no severity', TEXT.replace(/severity.*\n/, 'rule: { kind: x }\n'), 'sg_schema'],
    ['severity off', `${TEXT.replace('error', 'off')}rule: { kind: x }\n`, 'sg_schema'],
    ['a message of two lines', `${TEXT.replace('eval is used', '"a\\nb"')}rule: { kind: x }\n`, 'sg_schema'],
    [
      'a metavariable in the message',
      `${TEXT.replace('eval is', '$CODE is')}rule: { kind: x }\n`,
      'sg_message',
    ],
    ['another id', `${TEXT.replace('no-eval', 'other')}rule: { kind: x }\n`, 'sg_id'],
    ['a bare regex', `${TEXT}rule: { regex: eval }\n`, 'sg_regex'],
    ['a bare regex deep inside', `${TEXT}rule: { kind: x, any: [{ has: { regex: e } }] }\n`, 'sg_regex'],
    [
      'a bare regex in a constraint',
      `${TEXT}rule: { pattern: $A() }\nconstraints: { A: { regex: e } }\n`,
      'sg_regex',
    ],
    [
      'a bare regex in a util',
      `${TEXT}rule: { matches: u }\nutils: { u: { not: { regex: e } } }\n`,
      'sg_regex',
    ],
    ['an unknown language', `${TEXT.replace('typescript', 'cobol')}rule: { kind: x }\n`, 'sg_schema'],
    ['two documents', `${TEXT}rule: { kind: x }\n---\na: 1\n`, 'sg_yaml'],
    ['one key twice', `${TEXT}rule: { kind: x }\nrule: { kind: y }\n`, 'sg_yaml'],
  ])('refuses %s', (_what, text, reason) => {
    expect(reasonsOf(inspected(text))).toContain(reason);
  });

  test('takes a regex with a kind beside it, wherever it stands', () => {
    const rule = 'rule: { kind: x, regex: e, inside: { kind: y, regex: f, stopBy: end } }\n';
    expect(reasonsOf(inspected(`${TEXT}${rule}constraints: { A: { kind: z, regex: e } }\n`))).toEqual([]);
  });

  test('a file under another name, or beside another one, is no sg rule that may be signed', () => {
    const text = `${TEXT}rule: { kind: x }\n`;
    expect(reasonsOf(inspected(text, 'other.yml'))).toEqual(['sg_id']);
    const two = inspectSg({ name: 'no-eval', summary: '', files: { 'no-eval.yml': text, 'b.yml': text } });
    expect(reasonsOf(two)).toEqual(['unexpected_file']);
    expect(reasonsOf(inspectSg({ name: 'no-eval', summary: '', files: {} }))).toEqual(['sg_no_rule']);
  });

  test('a rule of another tool can be run, with what ast-grep takes for granted', () => {
    const read = readSg({ 'x.yml': 'id: X_1\nlanguage: TypeScript\nrule: { regex: e }\nfix: y\n' });
    expect(read).toMatchObject({ ok: true, value: { report: { message: 'X_1', severity: 'info' } } });
    expect(readSg({ 'x.yml': 'id: x\nlanguage: ts\nseverity: off\nrule: { kind: x }\n' }).ok).toBe(false);
  });

  test.each([
    [['a.yml'], true],
    [['a.yml', 'README.md'], true],
    [['a.yml', 'check.ts'], false],
    [['a.yml', 'captures/b.yml'], false],
    [['captures/b.yml'], false],
    [['.hidden.yml'], false],
    [[], false],
  ])('%j is an sg rule: %s', (paths, expected) => {
    expect(isSgRule(Object.fromEntries(paths.map((path) => [path, ''])))).toBe(expected);
  });
});

describe('the directory', () => {
  const one = (
    kind: RuleCase['kind'],
    files: Record<string, string>,
    findings?: RuleCase['findings'],
  ): RuleCase => ({
    name: Object.keys(files).join(),
    kind,
    files,
    ...(findings === undefined ? {} : { findings }),
  });

  test('holds the rule, its cases, and these again as snippets; read back, the rule and its cases', () => {
    const rule = sgRule();
    const directory = ruleDirectory(rule, cases);
    expect(Object.keys(directory).sort()).toEqual([
      '.tests/invalid/evaluates/a.ts',
      '.tests/no-eval-cases-test.yml',
      '.tests/valid/parses-json/a.ts',
      'no-eval.yml',
    ]);
    expect(parse(directory['.tests/no-eval-cases-test.yml'] ?? '')).toEqual({
      id: 'no-eval',
      valid: ['JSON.parse(s);\n'],
      invalid: ['eval(s);\n'],
    });
    const parsed = parseRuleDirectory(directory);
    expect(parsed.ok && parsed.value.ruleFiles).toEqual(rule.files);
    expect(parsed.ok && parsed.value.cases).toHaveLength(2);
  });

  test('keeps YAML files of cases from being taken for tests', () => {
    const directory = ruleDirectory(sgRule(), [...cases, one('valid', { 'x/a.yml': 'a: 1\n' })]);
    expect(directory['.tests/.ignore']).toBe('valid/\ninvalid/\n');
    const parsed = parseRuleDirectory(directory);
    expect(parsed.ok && parsed.value.cases).toHaveLength(3);
  });

  test.each<[string, RuleCase, 'valid' | 'invalid', string[]]>([
    ['the only file of the language', one('invalid', { 'a.ts': '1', 'b.md': '2' }), 'invalid', ['1']],
    ['one of several, not known which', one('invalid', { 'a.ts': '1', 'b.ts': '2' }), 'invalid', []],
    [
      'the one that is named',
      one('invalid', { 'a.ts': '1', 'b.ts': '2' }, [{ file: 'b.ts' }]),
      'invalid',
      ['2'],
    ],
    [
      'every file of a valid case',
      one('valid', { 'a.ts': '1', 'b.ts': '2', 'c.js': '3' }),
      'valid',
      ['1', '2'],
    ],
    ['not what a comment keeps silent', one('valid', { 'a.ts': '// ast-grep-ignore\neval(s)' }), 'valid', []],
  ])('takes as a snippet: %s', (_what, given, kind, expected) => {
    expect(snippetsOf(sgRule(), [given])[kind]).toEqual(expected);
  });

  test('a rule of some paths only has no valid snippets: a snippet has no path', () => {
    const scoped = sgRule({ yaml: 'files: ["src/**"]\nrule:\n  pattern: eval($CODE)\n' });
    expect(snippetsOf(scoped, cases)).toEqual({ valid: [], invalid: ['eval(s);\n'] });
  });
});
