/**
 * Cases of an `sg` rule as the snippets that ast-grep's own test runner and the Taskless client take. A
 * snippet is one text without a path, so only what such a text can show becomes one: a file of the rule's
 * language that surely has a finding, or surely has none. Pure; the same rule and cases give the same text.
 */
import { stringify } from 'yaml';
import type { RuleCase } from '../schema/request.ts';
import type { Rule } from '../schema/rule.ts';
import { languageOfFile } from './file-language.ts';

export const IGNORE_FILE = '.tests/.ignore';

export interface Snippets {
  readonly valid: readonly string[];
  readonly invalid: readonly string[];
}

type SgRule = Pick<Rule, 'name' | 'captures'>;

export function snippetsOf(rule: SgRule, cases: readonly RuleCase[]): Snippets {
  const [capture] = rule.captures;
  const snippets = { valid: new Set<string>(), invalid: new Set<string>() };
  for (const one of cases) {
    const paths = Object.keys(one.files).filter((path) => languageOfFile(path) === capture?.language);
    const known = one.kind === 'valid' ? innocent(one, paths, capture?.scoped === true) : guilty(one, paths);
    for (const path of known) snippets[one.kind].add(one.files[path] ?? '');
  }
  return { valid: [...snippets.valid], invalid: [...snippets.invalid] };
}

/** A file may be without findings only because of its path, or because a comment in it says so. */
function innocent({ files }: RuleCase, paths: readonly string[], scoped: boolean): readonly string[] {
  if (scoped) return [];
  return paths.filter((path) => !(files[path] ?? '').includes('ast-grep-ignore'));
}

function guilty({ findings }: RuleCase, paths: readonly string[]): readonly string[] {
  if (findings !== undefined) return paths.filter((path) => findings.some(({ file }) => file === path));
  return paths.length === 1 ? paths : [];
}

/**
 * What ast-grep's test runner finds in the rule directory, by path: the snippets, where there are any, and
 * a word that keeps it out of the cases where it would take their YAML files for tests.
 */
export function sgTestFiles(rule: SgRule, cases: readonly RuleCase[]): Record<string, string> {
  const files: Record<string, string> = {};
  const { valid, invalid } = snippetsOf(rule, cases);
  if (valid.length + invalid.length > 0) {
    const snippets = { id: rule.name, valid, invalid };
    files[`.tests/${rule.name}-cases-test.yml`] = stringify(snippets, { lineWidth: 0 });
  }
  const paths = cases.flatMap((one) => Object.keys(one.files));
  if (paths.some((path) => /\.ya?ml$/.test(path))) files[IGNORE_FILE] = 'valid/\ninvalid/\n';
  return files;
}
