/** Matches as the Taskless CLI makes them, compared with the real ast-grep outside any room. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CaptureInput, CaseResult, VerifyRequest } from '../../container/protocol.ts';
import { AST_GREP, CALLS, CALLS_YML, request, startHost, type TestHost } from './support.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost(['--jail', 'util-linux']);
});
afterAll(async () => {
  await host.stop();
});

/** Returns the matches it was given, one finding each. */
const ECHO = `export default (root: string, matches: any[]) =>
  matches.map((m) => ({ file: m.file, line: m.line, column: m.column, message: JSON.stringify([root, m]) }));\n`;

async function run(
  files: Record<string, string>,
  rule?: VerifyRequest['rule'],
  check = ECHO,
): Promise<CaseResult> {
  const change = { cases: [{ id: 'c0', files }], ...(rule ? { rule } : {}) };
  const [result] = (await host.verify(request(check, change))).results;
  if (result === undefined) throw new Error('no result');
  return result;
}

function ruleOf(captures: readonly (readonly [CaptureInput, string])[]): VerifyRequest['rule'] {
  const files = Object.fromEntries(captures.map(([capture, text]) => [capture.file, text]));
  return { files: { 'check.ts': ECHO, ...files }, captures: captures.map(([capture]) => capture) };
}

const FILES = {
  'src/a.ts': 'mark(first);\n\n  mark( second , 2);\nmark(é, "x");\n  mark(third);\n',
  'src/b.mts': 'mark(b);\n',
  'src/c.tsx': 'mark(c);\n',
  '.hidden/d.ts': 'mark(d);\n',
  'lib/e.py': 'mark(e)\n',
};

it('gives exactly what ast-grep prints', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'assay-test-'));
  try {
    for (const [path, text] of Object.entries({
      ...FILES,
      'rules/r.yml': CALLS_YML,
      'sgconfig.yml': 'ruleDirs: [rules]\n',
    })) {
      mkdirSync(dirname(join(dir, 'x', path)), { recursive: true });
      writeFileSync(join(dir, 'x', path), text);
    }
    const stream = execFileSync(
      AST_GREP,
      ['scan', '--config', 'sgconfig.yml', '--json=stream', '--threads=1', 'src', 'lib'],
      {
        cwd: join(dir, 'x'),
        encoding: 'utf8',
      },
    );
    const printed = stream
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const result = await run(FILES);
    expect(result.matchCount).toBe(printed.length);
    expect(printed.length).toBeGreaterThanOrEqual(3);
    const expected = printed.map((match) => ({
      rule: 'calls',
      ruleId: 'calls-1',
      file: match.file,
      line: match.range.start.line + 1,
      column: match.range.start.column + 1,
      text: match.text,
      captures: Object.fromEntries(
        Object.entries<{ text: string }>(match.metaVariables.single).map(([name, value]) => [
          name,
          value.text,
        ]),
      ),
    }));
    const byPlace = (a: { file: string; line: number }, b: { file: string; line: number }): number =>
      a.file.localeCompare(b.file) || a.line - b.line;
    expect([...result.matches].sort(byPlace)).toEqual(expected.sort(byPlace));
    expect(result.findings.map((finding) => JSON.parse(finding.message)[0])).toEqual(
      printed.map(() => '/case'),
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

it('gives single metavariables only', async () => {
  const yml = CALLS_YML.replace('mark($A)', () => 'mark($A, $$$REST)');
  const result = await run({ 'a.ts': 'mark(a, b, c);\n' }, ruleOf([[CALLS, yml]]));
  expect(result.matches[0]?.captures).toEqual({ A: 'a' });
});

it('puts broad captures after anchors, in file-name order, once per file', async () => {
  const broad = (file: string, id: string, pattern: string): readonly [CaptureInput, string] => [
    {
      file: `captures/${file}`,
      id,
      name: `name-${id}`,
      match: 'broad',
      language: 'typescript',
      scoped: false,
    },
    `id: ${id}\nlanguage: typescript\nrule:\n  pattern: ${pattern}\n`,
  ];
  const result = await run(
    { 'a.ts': 'mark(a);\nmark(b);\nother(1);\nother(2);\n', 'b.ts': 'other(3);\n' },
    ruleOf([broad('z.yml', 'z', 'mark($A)'), broad('b.yml', 'b', 'other($A)'), [CALLS, CALLS_YML]]),
  );
  const short = result.matches.map((m) => [m.rule, m.file, m.line, m.column, m.text]);
  expect(short.slice(0, 2)).toEqual([
    ['calls', 'a.ts', 1, 1, 'mark(a)'],
    ['calls', 'a.ts', 2, 1, 'mark(b)'],
  ]);
  expect(short.slice(2, 4).sort()).toEqual([
    ['name-b', 'a.ts', 1, 1, ''],
    ['name-b', 'b.ts', 1, 1, ''],
  ]);
  expect(short.slice(4)).toEqual([['name-z', 'a.ts', 1, 1, '']]);
  expect(result.matches[4]?.captures).toEqual({});
});

it('takes severity error (exit 1) as success and severity off as no capture', async () => {
  const failing = await run({ 'a.ts': 'mark(a);\n' }, ruleOf([[CALLS, `${CALLS_YML}severity: error\n`]]));
  expect(failing).toMatchObject({ outcome: 'exited', stage: 'check', matchCount: 1 });
  const off = await run({ 'a.ts': 'mark(a);\n' }, ruleOf([[CALLS, `${CALLS_YML}severity: 'off'\n`]]));
  expect(off).toMatchObject({ outcome: 'exited', matchCount: 0 });
});

it('resolves files globs against the case', async () => {
  const yml = `${CALLS_YML}files:\n  - src/**\n`;
  const result = await run({ 'src/a.ts': 'mark(a);\n', 'test/a.ts': 'mark(b);\n' }, ruleOf([[CALLS, yml]]));
  expect(result.matches.map((match) => match.file)).toEqual(['src/a.ts']);
});

it('never starts the check without a match, and shows the syntax tree', async () => {
  const result = await run(
    { 'a.ts': 'other(1, "$A");\n', 'b.py': 'other(1)\n' },
    undefined,
    'this is not even code',
  );
  expect(result).toMatchObject({
    outcome: 'exited',
    stage: 'narrow',
    matchCount: 0,
    findings: [],
    checkMs: 0,
  });
  expect(result.error).toBeUndefined();
  expect(result.trees).toEqual([
    {
      file: 'a.ts',
      language: 'typescript',
      text: [
        'program 1:1',
        '  expression_statement 1:1',
        '    call_expression 1:1',
        '      function: identifier 1:1 "other"',
        '      arguments: arguments 1:6',
        '        number 1:7 "1"',
        '        string 1:10',
        '          string_fragment 1:11 "$A"',
        '',
      ].join('\n'),
    },
  ]);
});

it('reports a bad rule with the message of ast-grep', async () => {
  const result = await run(
    { 'a.ts': 'mark(a);\n' },
    ruleOf([[CALLS, CALLS_YML.replace('pattern:', 'nonsense:')]]),
  );
  expect(result).toMatchObject({ outcome: 'exited', stage: 'narrow', error: { name: 'NarrowFailed' } });
  expect(result.error?.message).toContain('nonsense');
  expect(result.error?.message).not.toMatch(/assay-host|\u001b/);
});

it('caps matches', async () => {
  const result = await run({ 'a.ts': 'mark(1);\n'.repeat(3000) });
  expect(result).toMatchObject({ outcome: 'output_exceeded', stage: 'narrow' });
});

it('runs rule text in a room: custom languages are not loaded, and no path outside is read', async () => {
  const yml = `${CALLS_YML}ignores:\n  - ../../**\n`;
  const result = await run(
    { 'a.ts': 'mark(a);\n', 'sgconfig.yml': 'ruleDirs: [/etc]\ncustomLanguages: {}\n' },
    ruleOf([[CALLS, yml]]),
  );
  expect(result).toMatchObject({ outcome: 'exited', matchCount: 1 });
});
