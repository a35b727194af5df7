/**
 * Inspection of rule files before any execution. It trusts no assembly step: what it accepts is what
 * may enter a sandbox and be signed. Refusals are values; in the loop they become feedback.
 */
import type { z } from 'zod';
import { byteLength } from '../schema/path.ts';
import {
  type CaptureFile,
  type CaptureInfo,
  canonicalLanguage,
  captureFile,
  MAX_CAPTURE_BYTES,
  MAX_CAPTURES,
  type Rule,
  type RuleSize,
} from '../schema/rule.ts';
import { inspectCheck } from './inspect-check.ts';
import { readYamlMap } from './read-yaml.ts';
import { type Problem, type Result, refuse, succeed } from './result.ts';

const CHECK_FILE = 'check.ts';
const CAPTURE_PATH = /^captures\/[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml$/;

export interface RuleSource {
  readonly name: string;
  readonly summary: string;
  readonly files: Readonly<Record<string, string>>;
}

export function inspectRule(source: RuleSource): Result<Rule> {
  const problems: Problem[] = [];
  for (const path of Object.keys(source.files)) {
    if (path !== CHECK_FILE && !CAPTURE_PATH.test(path)) {
      problems.push(
        problemAt('unexpected_file', path, 'is not part of a rule; only check.ts and captures/*.yml are'),
      );
    }
  }
  const captures = inspectCaptures(source.files);
  if (!captures.ok) problems.push(...captures.problems);
  const check = source.files[CHECK_FILE];
  const facts = check === undefined ? undefined : inspectCheck(check);
  if (facts === undefined) problems.push(problemAt('no_check', CHECK_FILE, 'is missing'));
  else if (!facts.ok) problems.push(...facts.problems);

  if (problems.length > 0 || !captures.ok || facts?.ok !== true || check === undefined)
    return refuse(problems);
  return succeed({
    name: source.name,
    summary: source.summary,
    engine: 'runtime',
    files: { ...source.files },
    captures: captures.value,
    capabilities: facts.value,
    size: ruleSizeOf(source.files),
  });
}

/** Captures in file-name order, which is the order in which their matches reach the check. */
export function inspectCaptures(files: Readonly<Record<string, string>>): Result<CaptureInfo[]> {
  const paths = Object.keys(files)
    .filter((path) => CAPTURE_PATH.test(path))
    .sort();
  if (paths.length === 0)
    return refuse([problemAt('no_capture', 'captures/', 'holds no capture; a rule needs at least one')]);
  if (paths.length > MAX_CAPTURES) {
    return refuse([
      problemAt('too_many_captures', 'captures/', `holds ${paths.length} captures; at most ${MAX_CAPTURES}`),
    ]);
  }
  const problems: Problem[] = [];
  const infos: CaptureInfo[] = [];
  const ids = new Map<string, string>();
  for (const path of paths) {
    const parsed = parseCapture(path, files[path] ?? '');
    if (!parsed.ok) {
      problems.push(...parsed.problems);
      continue;
    }
    const info = infoOf(path, parsed.value);
    const twin = ids.get(info.id);
    if (twin !== undefined) problems.push(problemAt('capture_id_twice', path, `has the same id as ${twin}`));
    ids.set(info.id, path);
    infos.push(info);
  }
  return problems.length > 0 ? refuse(problems) : succeed(infos);
}

function parseCapture(path: string, text: string): Result<CaptureFile> {
  const read = readYamlMap(text, MAX_CAPTURE_BYTES);
  if ('problem' in read) return refuse([problemAt(`capture_${read.problem}`, path, read.message)]);
  const parsed = captureFile.safeParse(read.map);
  if (parsed.success) return succeed(parsed.data);
  return refuse(parsed.error.issues.map((issue) => schemaProblem(path, issue)));
}

function schemaProblem(path: string, issue: z.core.$ZodIssue): Problem {
  const key = issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  return problemAt('capture_schema', path, `is not a capture${key}: ${issue.message}`);
}

function infoOf(path: string, capture: CaptureFile): CaptureInfo {
  const { name, match } = capture.metadata.taskless;
  return {
    file: path,
    id: capture.id,
    name,
    match,
    language: canonicalLanguage(capture.language) ?? capture.language,
    scoped: capture.files !== undefined || capture.ignores !== undefined,
  };
}

export function ruleSizeOf(files: Readonly<Record<string, string>>): RuleSize {
  const captures = Object.entries(files).filter(([path]) => CAPTURE_PATH.test(path));
  const check = files[CHECK_FILE] ?? '';
  return {
    captures: captures.length,
    captureLines: captures.reduce((sum, [, text]) => sum + codeLines(text), 0),
    checkLines: codeLines(check),
    checkBytes: byteLength(check),
  };
}

/** Lines that hold something: blank lines and comment-only lines do not count. */
export function codeLines(text: string): number {
  return text.split('\n').filter((one) => /\S/.test(one) && !/^\s*(?:\/\/|\/\*|\*|#)/.test(one)).length;
}

function problemAt(reason: string, where: string, message: string): Problem {
  return { reason, where, message: `${where} ${message}` };
}
