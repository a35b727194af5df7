/**
 * Inspection of an `sg` rule before ast-grep reads it. `readSg` takes whatever a sandbox could run, from
 * other tools too; `inspectSg` refuses what may not be signed: keys that do more than find places, and what
 * the Taskless client's `verify` refuses. Refusals are values; in the loop they become feedback.
 */
import { z } from 'zod';
import { SEVERITIES } from '../schema/request.ts';
import { canonicalLanguage, MAX_CAPTURE_BYTES, type Rule, sgFile } from '../schema/rule.ts';
import { codeLines, type RuleSource } from './inspect.ts';
import { readYamlMap } from './read-yaml.ts';
import { type Problem, type Result, refuse, succeed } from './result.ts';
import type { RunnableRule } from './sandbox-rule.ts';

const SG_PATH = /^[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml$/;

/** What any ast-grep rule must have to be run; what it leaves out gets ast-grep's default. */
const runnableFile = z.looseObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'must be letters, digits, dashes, at most 100'),
  language: z.string().refine((name) => canonicalLanguage(name) !== null, 'is not a language ast-grep knows'),
  severity: z.enum([...SEVERITIES, 'hint'], 'must not be off').default('hint'),
  message: z.string().max(2_000).default(''),
  rule: z.record(z.string(), z.unknown()),
});

/** Whether these are the files of an `sg` rule: no check, no captures, and YAML at the top. */
export function isSgRule(files: Readonly<Record<string, string>>): boolean {
  const paths = Object.keys(files);
  if (paths.some((path) => path === 'check.ts' || path.startsWith('captures/'))) return false;
  return paths.some((path) => SG_PATH.test(path));
}

/** What a sandbox is given of the rule. */
export function readSg(files: Readonly<Record<string, string>>): Result<RunnableRule> {
  const one = onlyFile(files);
  if (!one.ok) return one;
  const { path, map } = one.value;
  const parsed = runnableFile.safeParse(map);
  if (!parsed.success) return refuse(schemaProblems(path, parsed.error));
  const { id, language, severity, message } = parsed.data;
  const scoped = map.files !== undefined || map.ignores !== undefined;
  const canonical = canonicalLanguage(language) ?? language;
  return succeed({
    files: { ...files },
    captures: [{ file: path, id, name: id, match: 'anchor', language: canonical, scoped }],
    report: {
      message: message.trim() === '' ? id : message,
      severity: severity === 'hint' ? 'info' : severity,
    },
  });
}

export function inspectSg(source: RuleSource): Result<Rule> {
  const read = readSg(source.files);
  if (!read.ok) return read;
  const one = onlyFile(source.files);
  if (!one.ok) return one;
  const { path, map } = one.value;
  const parsed = sgFile.safeParse(map);
  const problems: Problem[] = parsed.success ? [] : schemaProblems(path, parsed.error);
  if (parsed.success) {
    const { id, message, rule, constraints, utils } = parsed.data;
    if (id !== source.name || path !== `${id}.yml`)
      problems.push(problemAt('sg_id', path, `must be ${source.name}.yml with the id ${source.name}`));
    // ast-grep would fill them in, and no two readers of a rule fill them in alike.
    if (/\$+[A-Z_]/.test(message))
      problems.push(problemAt('sg_message', path, 'must have a message without metavariables'));
    for (const [at, value] of [
      ['rule', rule] as const,
      ...named('constraints', constraints),
      ...named('utils', utils),
    ])
      problems.push(...regexProblems(path, at, value));
  }
  if (problems.length > 0) return refuse(problems);
  const text = source.files[path] ?? '';
  return succeed({
    name: source.name,
    summary: source.summary,
    engine: 'sg',
    files: { ...source.files },
    captures: read.value.captures,
    ...(read.value.report === undefined ? {} : { report: read.value.report }),
    capabilities: { imports: [], readsFiles: false, startsProcesses: false, usesNetwork: false, hosts: [] },
    size: { captures: 1, captureLines: codeLines(text), checkLines: 0, checkBytes: 0 },
  });
}

interface SgText {
  readonly path: string;
  readonly map: Record<string, unknown>;
}

function onlyFile(files: Readonly<Record<string, string>>): Result<SgText> {
  const [path, ...others] = Object.keys(files).sort();
  const stray = others[0] ?? (path !== undefined && SG_PATH.test(path) ? undefined : path);
  if (path === undefined) return refuse([problemAt('sg_no_rule', 'rule', 'is missing')]);
  if (stray !== undefined)
    return refuse([problemAt('unexpected_file', stray, 'is not part of an sg rule, which is one YAML file')]);
  const read = readYamlMap(files[path] ?? '', MAX_CAPTURE_BYTES);
  if ('problem' in read) return refuse([problemAt(`sg_${read.problem}`, path, read.message)]);
  return succeed({ path, map: read.map });
}

function named(key: string, map: Readonly<Record<string, unknown>> | undefined): [string, unknown][] {
  return Object.entries(map ?? {}).map(([name, value]) => [`${key}.${name}`, value]);
}

const MAX_DEPTH = 40;

/** A regex alone is asked of the text of every node there is. */
function regexProblems(path: string, at: string, value: unknown, depth = 0): Problem[] {
  if (typeof value !== 'object' || value === null) return [];
  if (depth > MAX_DEPTH) return [problemAt('sg_depth', path, `is nested too deeply at ${at}`)];
  const bare = !Array.isArray(value) && Object.hasOwn(value, 'regex') && !Object.hasOwn(value, 'kind');
  const own = bare ? [problemAt('sg_regex', path, `has a regex without a kind beside it at ${at}`)] : [];
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, inner]) => regexProblems(path, `${at}.${key}`, inner, depth + 1)),
  ];
}

function schemaProblems(path: string, error: z.ZodError): Problem[] {
  return error.issues.map((issue) => {
    const key = issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
    return problemAt('sg_schema', path, `is not an sg rule${key}: ${issue.message}`);
  });
}

function problemAt(reason: string, where: string, message: string): Problem {
  return { reason, where, message: `${where} ${message}` };
}
