/**
 * Turns a model's draft into rule files. Everything a tool needs but a model need not get right (ids,
 * metadata, key order) is written here, the same way for every rule. Judges nothing: `inspect` does.
 */
import { stringify } from 'yaml';
import type { CaptureDraft, ModelReply } from '../schema/reply.ts';
import { canonicalLanguage, MAX_CAPTURE_BYTES } from '../schema/rule.ts';
import { canonicalJson, sha1Hex } from './digest.ts';
import { readYamlMap } from './read-yaml.ts';
import { type Problem, type Result, refuse, succeed } from './result.ts';

/** Keys a draft may carry over into the capture file, in the order they are written. */
const AST_GREP_KEYS = ['rule', 'constraints', 'utils', 'transform', 'files', 'ignores'] as const;
/** Keys a draft often repeats out of habit; the service writes them itself, so they are dropped. */
const REPEATED_KEYS = new Set(['id', 'language', 'message', 'note', 'severity', 'metadata', 'url', 'fix']);

export async function assembleFiles(reply: ModelReply): Promise<Result<Record<string, string>>> {
  const problems: Problem[] = [];
  const files: Record<string, string> = { 'check.ts': withFinalNewline(reply.check) };
  for (const draft of reply.captures) {
    const name = slugify(draft.name);
    const path = `captures/${name}.yml`;
    const assembled = await assembleCapture(slugify(reply.name), name, path, draft);
    if (!assembled.ok) problems.push(...assembled.problems);
    else if (Object.hasOwn(files, path)) {
      problems.push({ reason: 'capture_name_twice', where: path, message: `two captures are named ${name}` });
    } else files[path] = assembled.value;
  }
  return problems.length > 0 ? refuse(problems) : succeed(files);
}

/** Lower-case letters, digits and dashes; never empty, at most 50 so that suffixes fit. */
export function slugify(text: string): string {
  const dashed = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50)
    .replace(/-+$/, '');
  return dashed === '' ? 'rule' : dashed;
}

async function assembleCapture(
  ruleSlug: string,
  name: string,
  path: string,
  draft: CaptureDraft,
): Promise<Result<string>> {
  const language = canonicalLanguage(draft.language);
  if (language === null) {
    return refuse([
      {
        reason: 'capture_language',
        where: path,
        message: `${path}: ast-grep has no language ${JSON.stringify(draft.language)}`,
      },
    ]);
  }
  const parsed = parseDraft(path, draft.yaml);
  if (!parsed.ok) return parsed;
  const body = Object.fromEntries(
    AST_GREP_KEYS.filter((key) => parsed.value[key] !== undefined).map((key) => [key, parsed.value[key]]),
  );
  const digest = await sha1Hex(canonicalJson({ name, language, match: draft.match, body }));
  return succeed(
    stringify(
      {
        id: `${ruleSlug}-${digest.slice(0, 8)}`,
        language,
        ...body,
        metadata: {
          taskless: { version: 1, kind: 'runtime', name, check: 'check.ts', match: draft.match },
        },
      },
      { lineWidth: 0 },
    ),
  );
}

function parseDraft(path: string, yaml: string): Result<Record<string, unknown>> {
  const refused = (reason: string, message: string) =>
    refuse([{ reason, where: path, message: `${path}: ${message}` }]);
  const read = readYamlMap(yaml, MAX_CAPTURE_BYTES);
  if ('problem' in read) return refused(`capture_${read.problem}`, read.message);
  const value = read.map;
  const known: readonly string[] = AST_GREP_KEYS;
  const unknown = Object.keys(value).filter((key) => !known.includes(key) && !REPEATED_KEYS.has(key));
  if (unknown.length > 0) {
    return refused(
      'capture_key',
      `has unknown key ${unknown.map((key) => JSON.stringify(key)).join(', ')}; allowed are ${known.join(', ')}`,
    );
  }
  if (value.rule === undefined) return refused('capture_no_rule', 'has no "rule" key');
  return succeed(value);
}

function withFinalNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
