/**
 * The rule on disk, in the Taskless v5 layout: `check.ts`, `captures/*.yml`, or `<name>.yml` of an `sg`
 * rule; and the cases as small repositories under `.tests/{valid,invalid}/<case>/`. Expected findings are kept
 * beside them in `.tests/findings.json`, so that a rule directory can be verified again with nothing else at
 * hand. An `sg` rule has its cases a second time, as snippets for other tools.
 */
import { z } from 'zod';
import { relativePath } from '../schema/path.ts';
import { CASE_KINDS, type CaseKind, expectedFinding, type RuleCase } from '../schema/request.ts';
import type { Rule } from '../schema/rule.ts';
import { slugify } from './assemble.ts';
import { type Problem, type Result, refuse, succeed } from './result.ts';
import { IGNORE_FILE, sgTestFiles } from './sg-test-file.ts';

export const BUNDLE_FILE = 'rule.sigstore.json';
/** Proof that the bundle is in the log (C2SP tlog-proof). Beside the bundle, signed by the log alone. */
export const PROOF_FILE = 'rule.tlog-proof';
const FINDINGS_FILE = '.tests/findings.json';
/** For ast-grep's test runner, made from the cases; never read back. */
const isDerived = (path: string) => path === IGNORE_FILE || /^\.tests\/[^/]+-test\.yml$/.test(path);
const findingsFile = z.record(z.string(), z.array(expectedFinding).min(1));

/** Folder of each case, in case order: `.tests/<kind>/<slug>`, made unique by a number. */
export function caseDirectories(cases: readonly Pick<RuleCase, 'name' | 'kind'>[]): string[] {
  const taken = new Set<string>();
  return cases.map(({ name, kind }) => {
    const base = `.tests/${kind}/${slugify(name)}`;
    let directory = base;
    for (let n = 2; taken.has(directory); n += 1) directory = `${base}-${n}`;
    taken.add(directory);
    return directory;
  });
}

/** Every file of the published rule but the bundle and its proof, by path. */
export function ruleDirectory(
  rule: Pick<Rule, 'name' | 'engine' | 'files' | 'captures'>,
  cases: readonly RuleCase[],
): Record<string, string> {
  const derived = rule.engine === 'sg' ? sgTestFiles(rule, cases) : {};
  const files: Record<string, string> = { ...rule.files, ...derived };
  const expected: Record<string, unknown> = {};
  for (const [index, directory] of caseDirectories(cases).entries()) {
    const one = cases[index];
    if (one === undefined) continue;
    for (const [path, text] of Object.entries(one.files)) files[`${directory}/${path}`] = text;
    if (one.findings !== undefined) expected[directory.slice('.tests/'.length)] = one.findings;
  }
  if (Object.keys(expected).length > 0) files[FINDINGS_FILE] = `${JSON.stringify(expected, null, 2)}\n`;
  return files;
}

/** A rule directory read back: rule files apart from cases. */
export interface RuleDirectory {
  readonly ruleFiles: Record<string, string>;
  readonly cases: RuleCase[];
}

export function parseRuleDirectory(files: Readonly<Record<string, string>>): Result<RuleDirectory> {
  const ruleFiles: Record<string, string> = {};
  const trees = new Map<string, Record<string, string>>();
  const problems: Problem[] = [];
  for (const [path, text] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (path === BUNDLE_FILE || path === PROOF_FILE || path === FINDINGS_FILE || isDerived(path)) continue;
    if (!path.startsWith('.tests/')) {
      ruleFiles[path] = text;
      continue;
    }
    const place = casePlace(path);
    if (place === null) {
      problems.push({
        reason: 'stray_test_file',
        where: path,
        message: `${path} is not in .tests/{valid,invalid}/<case>/`,
      });
      continue;
    }
    const tree = trees.get(place.directory) ?? {};
    tree[place.file] = text;
    trees.set(place.directory, tree);
  }
  const expected = parseFindings(files[FINDINGS_FILE]);
  if (!expected.ok) return expected;
  if (problems.length > 0) return refuse(problems);
  const cases = [...trees].map(([directory, tree]) => toCase(directory, tree, expected.value[directory]));
  return succeed({ ruleFiles, cases });
}

function casePlace(path: string): { directory: string; file: string } | null {
  const [, kind, name, ...rest] = path.split('/');
  const known = CASE_KINDS.some((one) => one === kind);
  if (!known || name === undefined || rest.length === 0) return null;
  const file = rest.join('/');
  return relativePath.safeParse(file).success ? { directory: `${kind}/${name}`, file } : null;
}

function toCase(
  directory: string,
  files: Record<string, string>,
  findings: RuleCase['findings'] | undefined,
): RuleCase {
  const [kind, ...name] = directory.split('/');
  const one = { name: name.join('/'), kind: kind as CaseKind, files };
  return findings === undefined ? one : { ...one, findings };
}

function parseFindings(text: string | undefined): Result<z.infer<typeof findingsFile>> {
  if (text === undefined) return succeed({});
  const refused = (why: string) =>
    refuse([{ reason: 'findings_file', where: FINDINGS_FILE, message: `${FINDINGS_FILE} ${why}` }]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused('is not JSON');
  }
  const parsed = findingsFile.safeParse(value);
  return parsed.success ? succeed(parsed.data) : refused(`does not fit: ${z.prettifyError(parsed.error)}`);
}
