/** Snippets without names as cases: which file each becomes, and how a request is refused. */
import { describe, expect, test } from 'vitest';
import { requestOfSnippets } from '../../../src/rules/snippet-cases.ts';
import { snippetFiles } from '../../../src/rules/snippet-language.ts';

const pathsOf = (prompt: string, ...snippets: string[]) =>
  snippetFiles(prompt, snippets).map(({ path }) => path);

describe('the language is told by the prompt', () => {
  test.each([
    ['No eval in TypeScript', 'example.ts'],
    ['Forbid console.log in JavaScript files', 'example.js'],
    ['React components must not use dangerouslySetInnerHTML', 'example.tsx'],
    ['Python: no bare except', 'example.py'],
    ['Wrap errors in our Go code', 'example.go'],
    ['No unwrap in Rust', 'example.rs'],
    ['Java services log with a logger', 'example.java'],
    ['C++ code uses smart pointers', 'example.cpp'],
    ['No strcpy in C', 'example.c'],
    ['C# has no async void', 'example.cs'],
    ['Ruby: no puts', 'example.rb'],
    ['Quote variables in shell scripts', 'example.sh'],
    ['Terraform buckets are private', 'example.tf'],
    ['JSON files have no version', 'example.json'],
    ['Look at *.kt only', 'example.kt'],
  ])('%s: %s', (prompt, path) => expect(pathsOf(prompt, 'x')).toEqual([path]));

  test.each([['Go through every call of eval'], ['Parse JSON with care'], ['Let nobody C this']])(
    'words that are not meant so are not taken: %s',
    (prompt) => expect(pathsOf(prompt, 'eval(s);')).toEqual(['example.ts']),
  );
});

describe('without it by the code, the same for all', () => {
  test.each([
    ['py', 'def f(x):\n    return eval(x)\n'],
    ['go', 'package a\n\nfunc f() error {\n\tv, err := g()\n\treturn err\n}\n'],
    ['rs', 'fn f() {\n    let mut v = g().unwrap();\n}\n'],
    ['java', 'public class A {\n  public void f() { System.out.println(1); }\n}\n'],
    ['tsx', 'export const A = () => <div className="a">{b}</div>;\n'],
    ['rb', 'def f(x)\n  puts x\nend\n'],
    ['php', '<?php\n$a = 1;\n'],
    ['sh', '#!/bin/sh\necho $HOME\n'],
    ['tf', 'resource "aws_s3_bucket" "b" {\n}\n'],
    ['ts', 'const a: string = b;\n'],
    ['ts', 'eval(s)'],
    ['ts', ''],
  ])('%s', (extension, code) => expect(pathsOf('No such thing', code)).toEqual([`example.${extension}`]));

  test('one that could be anything goes with the others', () => {
    expect(pathsOf('', 'f(x)', 'def f(x):\n    return None\n')).toEqual(['example.py', 'example.py']);
  });
});

test.each(['x', '\n', ' \n', '<A ', '```', 'func f('])(
  'text that is meant to keep patterns busy gets a file like any other: %j',
  (part) => expect(pathsOf('in Python', part.repeat(200_000 / part.length))).toEqual(['example.py']),
);

describe('a snippet may say what it is', () => {
  test.each([
    ['// src/a.tsx\nf();\n', 'src/a.tsx'],
    ['# file: app/models.py\nx = 1\n', 'app/models.py'],
    ['/* a.css */\n.a { b: c }\n', 'a.css'],
    ['<!-- page.html -->\n<p>\n', 'page.html'],
  ])('in a comment: %j', (code, path) => {
    const [file] = snippetFiles('in Ruby', [code]);
    expect(file).toEqual({ path, text: code });
  });

  test.each([
    ['// ../../etc/passwd.ts\nf();\n'],
    ['// /etc/a.ts\nf();\n'],
    ['// see a.ts for more\nf();\n'],
    ['// notes.unknown\nf();\n'],
  ])('what is no path of a file is only a comment: %j', (code) =>
    expect(pathsOf('', code)).toEqual(['example.ts']),
  );

  test.each([
    ['```py\nx = 1\n```', 'example.py', 'x = 1'],
    ['```python\nx = 1\n```\n', 'example.py', 'x = 1'],
    ['```\nx = 1\n```', 'example.ts', 'x = 1'],
    ['```ts title="a"\n// lib/b.mts\nf();\n\n```', 'lib/b.mts', '// lib/b.mts\nf();\n'],
  ])('in a fence, which is taken off: %j', (code, path, text) =>
    expect(snippetFiles('', [code])).toEqual([{ path, text }]),
  );
});

describe('a request', () => {
  const sent = { prompt: 'No eval', successCases: ['a();'], failureCases: ['eval(b);', 'eval(c);'] };

  test('has a case for each snippet, and for the same one twice one', () => {
    const made = requestOfSnippets({ ...sent, failureCases: ['eval(b);', 'eval(b);', 'eval(c);'] }, 'auto');
    expect(made.ok && made.value).toEqual({
      prompt: 'No eval',
      engine: 'auto',
      cases: [
        { name: 'success 1', kind: 'valid', files: { 'example.ts': 'a();' } },
        { name: 'failure 1', kind: 'invalid', files: { 'example.ts': 'eval(b);' } },
        { name: 'failure 3', kind: 'invalid', files: { 'example.ts': 'eval(c);' } },
      ],
    });
  });

  test.each<[string, object, string[]]>([
    ['no examples', { successCases: [], failureCases: undefined }, ['successCases', 'failureCases']],
    ['contradicting ones', { failureCases: ['b();', 'a();'] }, ['failureCases[1]']],
    ['a large one', { successCases: ['x'.repeat(1024 * 1024 + 1)] }, ['successCases[0]']],
    ['too many', { successCases: Array.from({ length: 200 }, (_, n) => `a${n}();`) }, ['cases']],
  ])('with %s is refused by their names', (_name, over, where) => {
    const made = requestOfSnippets({ ...sent, ...over }, 'auto');
    expect(made.ok ? [] : made.problems.map((one) => one.where)).toEqual(where);
  });
});
