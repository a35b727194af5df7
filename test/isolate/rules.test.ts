/**
 * Hand-written rules over tricky sources, and mutated sources: the wasm narrow finds what the command line
 * finds, refuses what it refuses, or says before it runs that it cannot know.
 */
import { describe, expect, it } from 'vitest';
import type { CaseInput, RuleInput } from '../../container/protocol.ts';
import { narrowAll } from '../../isolate/jobs.ts';
import { unsupported } from '../../isolate/needs.ts';
import { askCommandLine, inOrder, ruleOf, sharedEngine } from './support.ts';

type Files = CaseInput['files'];

/** How the two compare on one case. */
async function compare(rule: RuleInput, files: Files): Promise<'same' | 'refused' | 'left out'> {
  if (unsupported({ rule, cases: [{ files }] }) !== null) return 'left out';
  const result = await narrowAll(await sharedEngine(), rule, [files]);
  if ('unsupported' in result) return 'left out';
  const [narrowed] = result.narrowed;
  const oracle = askCommandLine(rule, files);
  if ('refused' in oracle) {
    expect(narrowed?.ending, oracle.refused).toMatchObject({ error: { name: 'NarrowFailed' } });
    return 'refused';
  }
  expect(narrowed?.ending).toBeUndefined();
  expect(inOrder(narrowed?.matches ?? [])).toEqual(inOrder(oracle.matches));
  return 'same';
}

const TS: Files = {
  'src/a.ts':
    "import x from 'x';\nfoo(1, 'é');\nconst 変数 = \"😀\"; foo(変数); foo(bar(foo(2)));\nclass A { m(a: string) { return foo(this.a); } }\n",
  'src/b.mts': 'foo();\r\nfoo(\r\n  a,\r\n  b,\r\n);\r\n',
  'src/bom.ts': '\ufefffoo(1); foo(2);\nfoo(3);\n',
  'src/empty.ts': '',
  'src/blank.ts': '\n\n',
  'src/c.tsx': 'const a = <div onClick={() => foo(1)}>{foo(2)}</div>;\n',
  'src/d.js': 'foo(1); // foo(2)\n/* c */ foo(/* d */ 3);\n',
  'src/.hidden.ts': 'foo(1);\n',
  '.config/e.ts': 'foo(1);\n',
  'src/UPPER.TS': 'foo(1);\n',
  'README.md': 'foo(1)\n',
  '.gitignore': 'src\n',
  ts: 'foo(1);\n',
  'sp ace/ü.cts': 'foo(1);\n',
  'tail.ts': 'foo(1)',
  'tabs.ts': '\t\tfoo(1);\tfoo(2);\n',
};

const TYPESCRIPT: readonly (readonly [name: string, body: string])[] = [
  ['a pattern', 'rule: { pattern: foo($A) }'],
  ['several arguments', 'rule: { pattern: foo($$$ARGS) }'],
  ['a mixture', 'rule: { pattern: "foo($A, $$$REST)" }'],
  ['unnamed ones', 'rule: { pattern: "foo($_, $_B)" }'],
  ['the same twice', 'rule: { pattern: "$F($A, $A)" }'],
  ['a kind', 'rule: { kind: call_expression }'],
  ['a kind and a regex', 'rule: { kind: identifier, regex: "^(foo|変数)$" }'],
  ['a Unicode class', 'rule: { kind: identifier, regex: "^\\\\p{L}{2}$" }'],
  [
    'context and selector',
    'rule: { pattern: { context: "class A { m($P: string) {} }", selector: required_parameter } }',
  ],
  [
    'strictness',
    'rule: { pattern: { context: "foo($A)", strictness: signature, selector: call_expression } }',
  ],
  ['a relaxed pattern', 'rule: { pattern: { context: "foo($A)", strictness: relaxed } }'],
  ['all', 'rule: { all: [{ kind: call_expression }, { has: { kind: string, stopBy: end } }] }'],
  ['any', 'rule: { any: [{ pattern: foo($A) }, { pattern: bar($A) }] }'],
  ['not', 'rule: { pattern: foo($A), not: { pattern: foo(2) } }'],
  ['inside', 'rule: { pattern: foo($A), inside: { kind: class_declaration, stopBy: end } }'],
  ['inside a field', 'rule: { kind: identifier, inside: { kind: call_expression, field: function } }'],
  ['has a neighbour', 'rule: { pattern: foo($A), has: { pattern: bar($B), stopBy: neighbor } }'],
  ['stopBy a rule', 'rule: { pattern: foo($A), inside: { kind: program, stopBy: { kind: class_body } } }'],
  ['precedes', 'rule: { kind: expression_statement, precedes: { kind: expression_statement } }'],
  ['follows', 'rule: { kind: expression_statement, follows: { kind: lexical_declaration, stopBy: end } }'],
  ['nthChild', 'rule: { kind: number, nthChild: 1 }'],
  ['nthChild with a formula', 'rule: { kind: number, nthChild: 2n+1 }'],
  [
    'nthChild of a rule',
    'rule: { nthChild: { position: 1, reverse: true, ofRule: { kind: number } }, kind: number }',
  ],
  ['a constraint', 'rule: { pattern: foo($A) }\nconstraints: { A: { kind: number } }'],
  ['a constraint by regex', 'rule: { pattern: $F($A) }\nconstraints: { F: { regex: ^ba } }'],
  [
    'a util',
    'rule: { matches: one }\nutils: { one: { any: [{ pattern: foo($A) }, { matches: two }] }, two: { pattern: bar($$$) } }',
  ],
  [
    'a transform',
    'rule: { pattern: foo($A) }\ntransform: { B: { substring: { source: $A, startChar: 1 } } }',
  ],
  ['a transform as text', 'rule: { pattern: foo($A) }\ntransform: { B: "replace($A, replace=a, by=b)" }'],
  ['an object of text', 'rule: { pattern: "const $A = $B" }'],
  ['a comment', 'rule: { kind: comment }'],
  [
    'a message and a note',
    'message: hello $A\nnote: "n"\nseverity: warning\nurl: https://x\nrule: { pattern: foo($A) }',
  ],
  ['error severity', 'severity: error\nrule: { pattern: foo($A) }'],
  ['files', 'files: [src/*.ts]\nrule: { pattern: foo($A) }'],
  ['files below', 'files: ["**/ü.cts", "*.mts"]\nrule: { pattern: foo($$$) }'],
  ['a folder', 'files: [src/**]\nrule: { pattern: foo($$$) }'],
  ['ignores', 'ignores: [src/**]\nrule: { pattern: foo($$$) }'],
  ['both', 'files: ["**/*.ts"]\nignores: ["**/bom.ts"]\nrule: { pattern: foo($$$) }'],
  ['a folder between', 'files: ["src/**/a.ts", "**", "x/**/y.ts"]\nrule: { pattern: foo($$$) }'],
  ['a star inside', 'files: ["s*a.ts", "t*"]\nrule: { pattern: foo($$$) }'],
  ['nothing', 'rule: { pattern: nothing($A) }'],
];

describe('TypeScript', () => {
  it.each(TYPESCRIPT)('%s', async (_name, body) => {
    expect(await compare(ruleOf('typescript', body), TS)).toBe('same');
  });
  it.each(['ts', 'TypeScript', 'tsx', 'js', 'jsx', 'JavaScript', 'javascript'])('as %s', async (language) => {
    expect(await compare(ruleOf(language, 'rule: { pattern: foo($A) }'), TS)).toBe('same');
  });
  it.each(TYPESCRIPT)('broad: %s', async (_name, body) => {
    const rule = ruleOf('typescript', body);
    const [capture] = rule.captures;
    if (capture === undefined) throw new Error('no capture');
    expect(await compare({ ...rule, captures: [{ ...capture, match: 'broad' }] }, TS)).toBe('same');
  });
});

describe('refused by both', () => {
  it.each([
    ['an unknown kind', 'rule: { kind: no_such_kind }'],
    ['an unknown util', 'rule: { pattern: foo($A), matches: nobody }'],
    ['a bad regex', 'rule: { kind: identifier, regex: "(" }'],
    ['a number as a pattern', 'rule: { kind: identifier, pattern: 12 }'],
    ['an unknown strictness', 'rule: { pattern: { context: foo, selector: identifier, strictness: lax } }'],
    ['a selector that is not there', 'rule: { pattern: { context: foo(), selector: class_body } }'],
    ['an undefined variable', 'rule: { pattern: foo($A) }\nconstraints: { Z: { kind: number } }'],
    ['a transform of nothing', 'rule: { pattern: foo($A) }\ntransform: { B: { substring: { source: $Z } } }'],
    ['a bad nthChild', 'rule: { kind: number, nthChild: x }'],
    [
      'a util that is itself',
      'rule: { kind: number, matches: a }\nutils: { a: { kind: number, matches: a } }',
    ],
    ['an unknown field', 'rule: { kind: number, inside: { kind: arguments, field: nobody } }'],
    ['two roots', 'rule: { pattern: "foo(); bar()" }'],
  ])('%s', async (_name, body) => {
    expect(await compare(ruleOf('typescript', body), TS)).toBe('refused');
  });
});

const RULE = 'rule: { pattern: foo($A) }';
const PLAIN: Files = { 'a.ts': 'foo(1);\n' };

describe('left out before anything runs', () => {
  it.each([
    ['a rule for any kind of node', 'rule: { regex: foo }', PLAIN],
    ['a lone variable', 'rule: { pattern: $A }', PLAIN],
    [
      'a range',
      'rule: { kind: number, range: { start: { line: 0, column: 0 }, end: { line: 0, column: 1 } } }',
      PLAIN,
    ],
    ['a fix', `fix: bar()\n${RULE}`, PLAIN],
    ['labels', `labels: { A: { style: primary } }\n${RULE}`, PLAIN],
    ['rewriters', `rewriters: [{ id: a, rule: { kind: number }, fix: x }]\n${RULE}`, PLAIN],
    ['an unknown key', `bogus: 1\n${RULE}`, PLAIN],
    ['severity off', `severity: off\n${RULE}`, PLAIN],
    ['globs with braces', `files: ["*.{ts,js}"]\n${RULE}`, PLAIN],
    ['globs in objects', `files: [{ glob: a.ts, caseInsensitive: true }]\n${RULE}`, PLAIN],
    ['YAML anchors', 'rule: &r { pattern: foo($A) }', PLAIN],
    ['a YAML tag', 'rule: { pattern: !!str foo($A) }', PLAIN],
    ['ambiguous numbers', 'rule: { kind: number, regex: 0x1F }', PLAIN],
    ['two documents', `${RULE}\n---\nid: b\nlanguage: ts\nrule: { kind: number }`, PLAIN],
    ['ignore comments', RULE, { 'a.ts': '// ast-grep-ignore\nfoo(1);\n' }],
    ['an ignore file', RULE, { ...PLAIN, 'src/.ignore': '*' }],
    ['a repository with an ignore file', RULE, { ...PLAIN, '.gitignore': '*', '.git/HEAD': 'x' }],
    ['HTML beside scripts', RULE, { ...PLAIN, 'a.html': '<script lang="ts">foo(1)</script>' }],
    ['null characters', RULE, { 'a.ts': 'foo(1);\0\n' }],
    ['a syntax error', RULE, { 'a.ts': 'foo(1;\nclass {\n' }],
  ] as const)('%s', async (_name, body, files) => {
    expect(await compare(ruleOf('typescript', body), files)).toBe('left out');
  });
  it.each(['c', 'cpp', 'kotlin', 'php', 'bash', 'swift', 'scala', 'lua', 'elixir'])('%s', (language) => {
    const rule = ruleOf(language, 'rule: { kind: identifier }');
    expect(unsupported({ rule, cases: [{ files: PLAIN }] })).toMatch(/has no grammar/);
  });
  it('modules that isolates lack', () => {
    const question = { rule: ruleOf('ts', RULE), cases: [{ files: PLAIN }] };
    expect(unsupported({ ...question, imports: ['node:fs', 'path'] })).toBeNull();
    expect(unsupported({ ...question, imports: ['node:child_process'] })).toMatch(/child_process/);
  });
});

describe('other languages', () => {
  const HTML = 'b.html';
  const sources: Files = {
    'a.go':
      'package main\n\nimport "fmt"\n\n// Ünï\nfunc main() {\n\tif err := run("é"); err != nil {\n\t\tfmt.Println(err)\n\t}\n}\n',
    'A.java':
      'package a;\n@Transactional\npublic class A {\n  /** é */\n  private int run(String s) { return s.length(); }\n}\n',
    'a.py':
      'import os\n\n@decorated\ndef run(a, *, b: int = 1) -> None:\n    """é 😀"""\n    print(f"{a}", os.environ["X"])\n    for i in range(3):\n        print(i)\n',
    'a.rb':
      'class A < B\n  attr_reader :x\n  # é\n  def run(a, b = 1, *c)\n    puts "é #{a}" if a\n    Worker.perform_async(a, queue: :low)\n  end\nend\n',
    'a.rs':
      '/// doc é\nfn main() {\n    // SAFETY: é\n    unsafe { run(&mut 1) };\n    let v: Vec<u8> = vec![1, 2];\n    println!("{:?}", v);\n}\n',
    'a.css': '.a { color: red; }\n/* é */\n@media (x) { .b > .c { color: blue } }\n',
    'a.json': '{ "a": [1, 2, { "b": "é" }], "c": null }\n',
    'a.yaml': 'a: 1\nlist:\n  - x: "é"\n    y: z\n  - w\n# c\n',
    [HTML]: '<!doctype html>\n<div class="é"><p>a</p><!-- c --><br></div>\n',
  };
  it.each([
    ['go', 'rule: { pattern: fmt.Println($A) }'],
    ['go', 'rule: { kind: if_statement, has: { field: condition, pattern: $E != nil } }'],
    ['go', 'rule: { pattern: "if $E := $F; $E != nil { $$$ }" }'],
    ['java', 'rule: { kind: method_declaration, has: { kind: modifiers } }'],
    ['java', 'rule: { pattern: $S.length() }'],
    ['python', 'rule: { pattern: print($$$A) }'],
    ['python', 'rule: { pattern: "os.environ[$K]" }'],
    ['python', 'rule: { kind: function_definition, has: { kind: identifier, field: name, regex: ^r } }'],
    ['ruby', 'rule: { pattern: $W.perform_async($$$ARGS) }'],
    ['ruby', 'rule: { kind: simple_symbol }'],
    ['rust', 'rule: { kind: unsafe_block }'],
    ['rust', 'rule: { pattern: run($A) }'],
    ['rust', 'rule: { kind: macro_invocation, not: { regex: println } }'],
    ['rust', 'rule: { kind: line_comment }'],
    ['css', 'rule: { pattern: "color: $C" , kind: declaration }'],
    ['css', 'rule: { kind: class_name }'],
    ['json', 'rule: { kind: pair, has: { kind: string, regex: b } }'],
    ['yaml', 'rule: { kind: block_mapping_pair, has: { field: key, regex: ^x$ } }'],
    ['yaml', 'rule: { pattern: "y: $V" }'],
    ['html', 'rule: { kind: attribute_value }'],
    ['html', 'rule: { pattern: "<p>$A</p>" }'],
    ['html', 'rule: { kind: comment }'],
  ])('%s: %s', async (language, body) => {
    const { [HTML]: page = '', ...others } = sources;
    const files = language === 'html' ? { [HTML]: page } : others;
    expect(await compare(ruleOf(language, body), files)).toBe('same');
  });
});

describe('mutated sources', () => {
  const seed = Number(process.env.ASSAY_SEED ?? Date.now() % 1_000_000);
  it(`seed ${seed}: what is not left out is the same`, async () => {
    let state = seed;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >>> 8) % below;
    };
    const parts = [
      'foo(1)',
      'foo(x, "é😀")',
      'bar(foo(2))',
      'let a = foo(b)',
      '{ foo(3) }',
      '/* é */',
      `\`$\{foo(4)}\``,
      'a => foo(a)',
      '[foo(5), 6]',
      'if (x) foo(7)',
      '\u00a0foo(8)',
      'new foo(9)',
      "foo('\\u{1F600}')",
      '// 😀 foo(10)\n',
      'foo\n(11)',
      'foo?.(12)',
      '\tfoo(…)',
    ];
    const glue = ['; ', ';\n', '\n\n', ';\r\n', '; 😀 ;'.slice(0, 2), ' ;\t'];
    const bodies = TYPESCRIPT.map(([, body]) => body);
    let same = 0;
    for (let round = 0; round < 60; round += 1) {
      const source = Array.from(
        { length: 1 + next(12) },
        () => `${parts[next(parts.length)]}${glue[next(glue.length)]}`,
      ).join('');
      const rule = ruleOf(
        ['typescript', 'tsx', 'javascript'][next(3)] ?? 'ts',
        bodies[next(bodies.length)] ?? '',
      );
      const files = { 'a.ts': source, 'b.tsx': source, 'src/c.js': source };
      if ((await compare(rule, files)) === 'same') same += 1;
    }
    // A good part of the mutations has a syntax error; the rest must be many enough to tell something.
    expect(same).toBeGreaterThan(10);
  });
});
