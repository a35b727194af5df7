/**
 * A rule directory, read for a sandbox: rule files apart from cases, everything bounded as in a request.
 * A directory that holds no testable rule is a usage error with the path; a rule that cannot be run is a
 * rejection, decided here without a sandbox. What only the service would refuse is a note: anyone may try
 * an attack of their own.
 */
import { join } from 'node:path';
import { inspectCaptures, inspectRule } from '../src/rules/inspect.ts';
import { inspectSg, isSgRule, readSg } from '../src/rules/inspect-sg.ts';
import { BUNDLE_FILE, PROOF_FILE, parseRuleDirectory, type RuleDirectory } from '../src/rules/layout.ts';
import { type Problem, type Result, refuse, succeed } from '../src/rules/result.ts';
import type { RunnableRule } from '../src/rules/sandbox-rule.ts';
import { pathProblem } from '../src/schema/path.ts';
import { caseSchema, MAX_CASES } from '../src/schema/request.ts';
import { UsageError } from './exit.ts';
import { asText, readTree } from './read-tree.ts';

/** What `assay replay` keeps beside a local copy; no part of the rule. */
export const COPY_FILE = '.assay-replay.json';
const FINDINGS_FILE = '.tests/findings.json';

export interface RuleOnDisk extends RuleDirectory {
  /** Rule files and case files, exact text by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Files that are no part of a rule and that no sandbox sees. */
  readonly leftOut: readonly string[];
}

/** @throws UsageError NOT_A_DIRECTORY | UNREADABLE_TREE | NOT_A_RULE | NO_CASES */
export async function readRuleDirectory(
  directory: string,
  skip?: (path: string) => boolean,
): Promise<RuleOnDisk> {
  const all = await readTree(directory, skip);
  const paths = [...all.keys()];
  const isPart = rulePaths(paths);
  const texts = asText(new Map([...all].filter(([path]) => isPart(path))));
  const known = [BUNDLE_FILE, PROOF_FILE, COPY_FILE];
  const leftOut = paths.filter((path) => !isPart(path) && !known.includes(path));
  for (const path of Object.keys(texts)) checkPath(directory, path);
  const parsed = parseRuleDirectory(texts);
  if (!parsed.ok) throw notARule(directory, parsed.problems.map((one) => one.message).join('; '));
  checkRule(directory, parsed.value, texts[FINDINGS_FILE]);
  return { ...parsed.value, files: texts, leftOut };
}

/**
 * Hidden files and backups that editors leave beside captures are no captures. YAML at the top is the rule
 * where there is neither check nor capture, and no part of one otherwise.
 */
function rulePaths(paths: readonly string[]): (path: string) => boolean {
  const sg = isSgRule(Object.fromEntries(paths.map((path) => [path, ''])));
  return (path) => {
    if (path === 'check.ts' || path.startsWith('.tests/')) return true;
    if (sg) return /^[^./][^/]*\.ya?ml$/.test(path);
    return /^captures\/(?!\.)(?!.*[~#]$)/.test(path);
  };
}

/** A file of a case must have a path that a request could give it. */
function checkPath(directory: string, path: string): void {
  const [top, _kind, _case, ...file] = path.split('/');
  const problem = top === '.tests' && file.length > 0 ? pathProblem(file.join('/')) : null;
  if (problem !== null) throw notARule(join(directory, path), problem);
}

function checkRule(directory: string, rule: RuleDirectory, findings: string | undefined): void {
  if (rule.ruleFiles['check.ts'] === undefined && !isSgRule(rule.ruleFiles)) {
    throw notARule(
      directory,
      'has no check.ts',
      'a rule directory holds check.ts and captures/*.yml, or one <name>.yml, and .tests/{valid,invalid}/<case>/',
    );
  }
  if (rule.cases.length === 0) {
    throw new UsageError(
      'NO_CASES',
      `${directory} has no cases`,
      'put small repositories into .tests/valid/<case>/ and .tests/invalid/<case>/',
    );
  }
  if (rule.cases.length > MAX_CASES)
    throw notARule(directory, `has ${rule.cases.length} cases; at most ${MAX_CASES}`);
  for (const one of rule.cases) {
    const issue = caseSchema.safeParse(one).error?.issues[0];
    if (issue !== undefined)
      throw notARule(`${directory}/.tests/${one.kind}/${one.name}`, `is no case: ${issue.message}`);
  }
  const cases = new Set(rule.cases.map((one) => `${one.kind}/${one.name}`));
  const expected = Object.keys(findings === undefined ? {} : (JSON.parse(findings) as object));
  // A name with a slip in it would quietly make its case less exact.
  const stray = expected.find((name) => !cases.has(name) || !name.startsWith('invalid/'));
  if (stray !== undefined)
    throw notARule(
      `${directory}/${FINDINGS_FILE}`,
      `names ${JSON.stringify(stray)}, which is no invalid case`,
    );
}

function notARule(where: string, problem: string, hint?: string): UsageError {
  return new UsageError('NOT_A_RULE', `${where} ${problem}`, hint);
}

export interface Inspected {
  readonly rule: RunnableRule;
  /** What the service would refuse and a sandbox can still run. */
  readonly notes: readonly Problem[];
}

/** Pure. Refuses what cannot be given to a sandbox: captures that cannot be read, files over the limits. */
export function inspectForSandbox(files: Readonly<Record<string, string>>): Result<Inspected> {
  if (isSgRule(files)) return inspectSgForSandbox(files);
  const captures = inspectCaptures(files);
  const inspected = inspectRule({ name: 'rule', summary: '', files });
  const problems = inspected.ok ? [] : inspected.problems;
  const isNote = (one: Problem) => one.where.startsWith('check.ts') && one.reason !== 'check_too_large';
  const fatal = problems.filter((one) => !isNote(one));
  if (!captures.ok || fatal.length > 0) return refuse(fatal);
  const rule = { files: { ...files }, captures: captures.value };
  return succeed({ rule, notes: problems.filter(isNote) });
}

function inspectSgForSandbox(files: Readonly<Record<string, string>>): Result<Inspected> {
  const read = readSg(files);
  if (!read.ok) return read;
  const [capture] = read.value.captures;
  const inspected = inspectSg({ name: capture?.id ?? '', summary: '', files });
  return succeed({ rule: read.value, notes: inspected.ok ? [] : inspected.problems });
}
