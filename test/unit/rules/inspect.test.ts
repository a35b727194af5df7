import { describe, expect, test } from 'vitest';
import { assembleFiles, slugify } from '../../../src/rules/assemble.ts';
import { inspectRule } from '../../../src/rules/inspect.ts';
import { inspectCheck } from '../../../src/rules/inspect-check.ts';
import type { ModelReply } from '../../../src/schema/reply.ts';
import { goodReply } from '../../support/rule.ts';

const reasons = (source: string): string[] => {
  const result = inspectCheck(source);
  return result.ok ? [] : result.problems.map((problem) => `${problem.reason} ${problem.where}`);
};

describe('check.ts', () => {
  test('an honest check passes, and its capabilities are read from its imports', () => {
    const result = inspectCheck(
      "import { readFileSync } from 'node:fs';\nexport default (root: string) => [];\nvoid readFileSync;",
    );
    expect(result).toEqual({
      ok: true,
      value: {
        imports: ['node:fs'],
        readsFiles: true,
        startsProcesses: false,
        usesNetwork: false,
        hosts: [],
      },
    });
  });

  test.each([
    ['const x: = 1; export default () => []', 'check_syntax check.ts:1'],
    ["import x from './x.ts';\nexport default () => x", 'import_relative check.ts:1'],
    ["import x from 'lodash';\nexport default () => x", 'import_not_allowed check.ts:1'],
    [
      "import { spawn } from 'node:child_process';\nexport default () => spawn",
      'import_not_allowed check.ts:1',
    ],
    ["export * from 'node:net';\nexport default () => []", 'import_not_allowed check.ts:1'],
    ["export default async () => (await import('node:fs'), [])", 'dynamic_import check.ts:1'],
    ["export default () => require('fs')", 'dynamic_import check.ts:1'],
    ['export default () => eval("[]")', 'hidden_door check.ts:1'],
    ['const e = eval;\nexport default () => e("[]")', 'hidden_door check.ts:1'],
    ['export default () => (0, eval)("[]")', 'hidden_door check.ts:1'],
    ['export default () => (() => []).constructor("return []")()', 'hidden_door check.ts:1'],
    ["const { getBuiltinModule: g } = process;\nexport default () => g('fs')", 'hidden_door check.ts:1'],
    ["export default () => Reflect.get(process, 'binding')", 'hidden_door check.ts:1'],
    ['export default () => process[`binding`]', 'hidden_door check.ts:1'],
    ['export default () => process.binding', 'hidden_door check.ts:1'],
    ['export default () => new Function("return []")()', 'hidden_door check.ts:1'],
    ['const x = await Promise.resolve(1);\nexport default () => [x]', 'top_level_await check.ts:1'],
    ['for await (const x of []) {}\nexport default () => []', 'top_level_await check.ts:1'],
    ["export default () => process.getBuiltinModule('node:net')", 'hidden_door check.ts:1'],
    ["export default () => process['getBuiltinModule']('node:net')", 'hidden_door check.ts:1'],
    ["export default async () => { await fetch('http://x'); return []; }", 'hidden_door check.ts:1'],
    ['export default () => globalThis.fetch', 'hidden_door check.ts:1'],
    ['enum A { B }\nexport default () => [A.B]', 'syntax_not_erasable check.ts:1'],
    ['namespace A { export const b = 1 }\nexport default () => [A.b]', 'syntax_not_erasable check.ts:1'],
    [
      'class A { constructor(private b: string) {} }\nexport default () => [A]',
      'syntax_not_erasable check.ts:1',
    ],
    ['export const check = () => []', 'no_default_export check.ts'],
    ['export default class {}', 'default_export_not_function check.ts:1'],
    ['export default 5', 'default_export_not_function check.ts:1'],
  ])('%j is refused', (source, reason) => {
    expect(reasons(source)).toContain(reason);
  });

  test('await inside the exported function, ambient types and named default exports are fine', () => {
    expect(reasons('export default async () => { await 1; return []; }')).toEqual([]);
    expect(
      reasons(
        'declare namespace A { const b: number }\nfunction check() { return []; }\nexport { check as default };',
      ),
    ).toEqual([]);
    expect(reasons('const check = () => [];\nexport default check;')).toEqual([]);
  });

  test('properties that happen to share a name with a global are fine', () => {
    expect(
      reasons(
        'interface A { global: string; dlopen: string }\nexport default (a: A) => [{ fetch: a.global, process: a.dlopen, cwd: process.cwd() }];',
      ),
    ).toEqual([]);
  });

  test('a file over the limit is refused without being parsed', () => {
    expect(reasons('x'.repeat(70_000))).toEqual(['check_too_large check.ts']);
  });

  test('very deep nesting is a refusal, not a crash', () => {
    const result = inspectCheck(`export default () => ${'['.repeat(30_000)}`);
    expect(result.ok).toBe(false);
  });
});

describe('assembling a reply', () => {
  const withYaml = (yaml: string, over: Partial<ModelReply['captures'][number]> = {}): ModelReply => {
    const [capture] = goodReply.captures;
    if (capture === undefined) throw new Error('no capture');
    return { ...goodReply, captures: [{ ...capture, yaml, ...over }] };
  };
  const refusal = async (reply: ModelReply) => {
    const result = await assembleFiles(reply);
    return result.ok ? [] : result.problems.map((problem) => problem.reason);
  };

  test('adds id and metadata, and what comes out passes inspection', async () => {
    const files = await assembleFiles(goodReply);
    if (!files.ok) throw new Error('refused');
    const rule = inspectRule({ name: 'no-eval', summary: '', files: files.value });
    expect(rule).toMatchObject({
      ok: true,
      value: {
        captures: [{ file: 'captures/call.yml', name: 'call', match: 'anchor', language: 'typescript' }],
      },
    });
    expect(files.value['captures/call.yml']).toMatch(/^id: no-eval-[0-9a-f]{8}\n/);
  });

  test('the same draft gives the same bytes, whatever the order of its keys', async () => {
    const one = await assembleFiles(withYaml('rule:\n  kind: a\n  regex: b\n'));
    const other = await assembleFiles(withYaml('rule:\n  regex: b\n  kind: a\nlanguage: ts\nid: mine\n'));
    if (!one.ok || !other.ok) throw new Error('refused');
    const id = (text: string | undefined) => text?.split('\n')[0];
    expect(id(one.value['captures/call.yml'])).toBe(id(other.value['captures/call.yml']));
  });

  test('the same rule for two languages gets two ids', async () => {
    const [capture] = goodReply.captures;
    if (capture === undefined) throw new Error('no capture');
    const files = await assembleFiles({
      ...goodReply,
      captures: [capture, { ...capture, name: 'tsx', language: 'tsx' }],
    });
    if (!files.ok) throw new Error('refused');
    expect(inspectRule({ name: 'x', summary: '', files: files.value }).ok).toBe(true);
  });

  test.each([
    ['rule: [', 'capture_yaml'],
    ['- a', 'capture_yaml'],
    ['rule: {}\nrule: {}', 'capture_yaml'],
    ['constraints: {}', 'capture_no_rule'],
    ['rule: {}\npattern: x', 'capture_key'],
    ['x'.repeat(20_000), 'capture_too_large'],
    [
      `a: &a [1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nrule: [*c,*c,*c,*c,*c,*c]`,
      'capture_yaml',
    ],
  ])('%j is refused', async (yaml, reason) => {
    expect(await refusal(withYaml(yaml))).toEqual([reason]);
  });

  test('an unknown language and a name used twice are refused', async () => {
    expect(await refusal(withYaml('rule: {}', { language: 'cobol' }))).toEqual(['capture_language']);
    const [capture] = goodReply.captures;
    if (capture === undefined) throw new Error('no capture');
    expect(await refusal({ ...goodReply, captures: [capture, { ...capture, name: 'Call' }] })).toEqual([
      'capture_name_twice',
    ]);
  });
});

describe('inspecting rule files', () => {
  const inspect = (files: Record<string, string>) => {
    const result = inspectRule({ name: 'x', summary: '', files });
    return result.ok ? [] : result.problems.map((problem) => problem.reason);
  };
  const capture =
    'id: a\nlanguage: ts\nrule: {pattern: a}\nmetadata: {taskless: {version: 1, kind: runtime, name: n, check: check.ts}}\n';
  const check = 'export default () => []';

  test.each<[string, Record<string, string>, string]>([
    ['no capture', { 'check.ts': check }, 'no_capture'],
    ['no check', { 'captures/a.yml': capture }, 'no_check'],
    [
      'a file beside them',
      { 'check.ts': check, 'captures/a.yml': capture, 'helper.ts': '' },
      'unexpected_file',
    ],
    [
      'a capture switched off',
      { 'check.ts': check, 'captures/a.yml': `${capture}severity: off\n` },
      'capture_schema',
    ],
    [
      'the wrong kind',
      { 'check.ts': check, 'captures/a.yml': capture.replace('runtime', 'static') },
      'capture_schema',
    ],
    [
      'two captures of one id',
      { 'check.ts': check, 'captures/a.yml': capture, 'captures/b.yml': capture },
      'capture_id_twice',
    ],
    [
      'an id that is a path',
      { 'check.ts': check, 'captures/a.yml': capture.replace('id: a', 'id: ../a') },
      'capture_schema',
    ],
  ])('%s is refused', (_name, files, reason) => {
    expect(inspect(files)).toContain(reason);
  });
});

test.each([
  ['No Eval!', 'no-eval'],
  ['---', 'rule'],
  ['Über-Regel', 'u-ber-regel'],
  ['x'.repeat(80), 'x'.repeat(50)],
])('slugify %j', (text, slug) => expect(slugify(text)).toBe(slug));
