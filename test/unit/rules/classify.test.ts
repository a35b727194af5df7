/** Which engine a request shows that it needs, and what it leaves open. */
import { describe, expect, test } from 'vitest';
import { LANGUAGES as ISOLATE_LANGUAGES } from '../../../isolate/narrow/languages.ts';
import { engineOf } from '../../../src/rules/classify.ts';
import { languageOfFile } from '../../../src/rules/file-language.ts';
import type { RuleRequest } from '../../../src/schema/request.ts';
import { request } from '../../support/rule.ts';

const auto: RuleRequest = { ...request, engine: 'auto' };
const withCase = (files: Record<string, string>): RuleRequest => ({
  ...auto,
  cases: [...auto.cases, { name: 'more', kind: 'valid', files }],
});

test('a named engine is taken, and none means runtime as before there were two', () => {
  expect(engineOf(request)).toMatchObject({ engine: 'runtime' });
  for (const engine of ['runtime', 'sg'] as const)
    expect(engineOf({ ...auto, engine })).toMatchObject({ engine });
});

test('one file of one language in every case leaves it open', () => {
  expect(engineOf(auto)).toBeNull();
  expect(engineOf({ ...auto, language: 'TypeScript' })).toBeNull();
  expect(engineOf(withCase({ 'b.mts': 'x' }))).toBeNull();
});

describe('runtime is needed for', () => {
  test.each([
    ['several files', withCase({ 'a.ts': '', 'b.ts': '' }), /several files/],
    ['a file in no language', withCase({ 'notes.txt': '' }), /no language/],
    ['a file without an ending', withCase({ Makefile: '' }), /no language/],
    ['a hidden file', withCase({ '.github/workflows/a.ts': '' }), /hidden/],
    ['several languages', withCase({ 'b.tsx': '' }), /tsx, typescript/],
    ['hosts', { ...auto, egress: ['api.example.com'] }, /hosts/],
    ['a language unknown to ast-grep', { ...auto, language: 'cobol' }, /cobol/],
  ])('%s', (_what, given, why) => {
    expect(engineOf(given)).toMatchObject({ engine: 'runtime', why: expect.stringMatching(why) });
  });
});

test('file names mean the languages that sandboxes search them for', () => {
  for (const { name, extensions } of ISOLATE_LANGUAGES) {
    for (const extension of extensions) expect(languageOfFile(`src/a.b.${extension}`), extension).toBe(name);
  }
  for (const none of ['.ts', 'ts', 'a.', 'a.TS', 'dir.ts/a']) expect(languageOfFile(none), none).toBeNull();
});
