/**
 * Turns a model's draft of an `sg` rule into its one file. Id, language and severity are written here, in a
 * fixed order, whatever the draft repeats of them. Judges nothing: `inspect-sg` does.
 */
import { stringify } from 'yaml';
import type { SgReply } from '../schema/reply.ts';
import { canonicalLanguage, MAX_CAPTURE_BYTES, type SgFile } from '../schema/rule.ts';
import { readYamlMap } from './read-yaml.ts';
import { type Result, refuse, succeed } from './result.ts';

const AST_GREP_KEYS = ['rule', 'constraints', 'utils', 'transform', 'files', 'ignores'] as const;
const REPEATED_KEYS = new Set(['id', 'language', 'message', 'note', 'severity', 'metadata', 'url']);

export interface SgIdentity {
  /** Name of the rule: its id and its file's name. */
  readonly name: string;
  readonly severity: SgFile['severity'];
}

export function assembleSg(reply: SgReply, { name, severity }: SgIdentity): Result<Record<string, string>> {
  const path = `${name}.yml`;
  const refused = (reason: string, message: string) =>
    refuse([{ reason, where: path, message: `${path}: ${message}` }]);
  const language = canonicalLanguage(reply.language);
  if (language === null)
    return refused('sg_language', `ast-grep has no language ${JSON.stringify(reply.language)}`);
  const read = readYamlMap(reply.yaml, MAX_CAPTURE_BYTES);
  if ('problem' in read) return refused(`sg_${read.problem}`, read.message);
  const { map } = read;
  const known: readonly string[] = AST_GREP_KEYS;
  const unknown = Object.keys(map).filter((key) => !known.includes(key) && !REPEATED_KEYS.has(key));
  if (unknown.length > 0) {
    const named = unknown.map((key) => JSON.stringify(key)).join(', ');
    return refused('sg_key', `has unknown key ${named}; allowed are ${known.join(', ')}`);
  }
  if (map.rule === undefined) return refused('sg_no_rule', 'has no "rule" key');
  const note = reply.note?.trim() ?? '';
  const body = AST_GREP_KEYS.filter((key) => map[key] !== undefined).map((key) => [key, map[key]]);
  const head = { id: name, language, severity, message: reply.message.trim() };
  const rule = { ...head, ...(note === '' ? {} : { note }), ...Object.fromEntries(body) };
  return succeed({ [path]: stringify(rule, { lineWidth: 0 }) });
}
