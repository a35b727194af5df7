/** Which checks are run without `process`: only those that could not see it, whatever they did. */
import { expect, it } from 'vitest';
import { cannotSeeProcess } from '../../isolate/bundle.ts';

const wrap = (body: string): string => `export default function check(root, matches) { ${body} }`;

it.each([
  'return matches.map(({ file, line }) => ({ file, line, message: "m" }));',
  'const seen = new Set(); for (const m of matches) seen.add(m.file); return [...seen].map((file) => ({ file, message: file[0] }));',
])('%s cannot', (body) => {
  expect(cannotSeeProcess(wrap(body))).toBe(true);
});

it.each([
  'process.exitCode = 3;',
  'p\\u0072ocess.exitCode = 3;',
  "globalThis['pro' + 'cess'].exitCode = 3;",
  "self['pro' + 'cess'];",
  'setTimeout(function () { return this; });',
  "[]['constr' + 'uctor'] ?? (() => {}).constructor('return 1')();",
  "[]['const\\x72uctor'];",
  "import('node:fs');",
  'Error.prepareStackTrace = (_, sites) => sites;',
])('%s may', (body) => {
  expect(cannotSeeProcess(wrap(body))).toBe(false);
});

it('an import counts, wherever it is', () => {
  expect(cannotSeeProcess(`import p from 'node:process';\n${wrap('p.exitCode = 3;')}`)).toBe(false);
});
