/** A model's text to an inspected rule, by engine. Pure: nothing is stored and nothing is executed. */
import { parseReply, parseSgReply } from '../models/parse-reply.ts';
import { assembleFiles, slugify } from '../rules/assemble.ts';
import { assembleSg } from '../rules/assemble-sg.ts';
import { inspectRule } from '../rules/inspect.ts';
import { inspectSg } from '../rules/inspect-sg.ts';
import { type Result, succeed } from '../rules/result.ts';
import type { Engine, RuleRequest } from '../schema/request.ts';
import type { Rule } from '../schema/rule.ts';

/** The rule, or why the model says that there is none. */
export type Drafted = { readonly rule: Rule } | { readonly declined: string };
type Draft = (text: string, request: RuleRequest) => Promise<Result<Drafted>>;

export const DRAFT: Readonly<Record<Engine, Draft>> = { runtime: draftRuntime, sg: draftSg };

async function draftRuntime(text: string, request: RuleRequest): Promise<Result<Drafted>> {
  const parsed = parseReply(text);
  if (!parsed.ok) return parsed;
  const { name, summary, declined } = parsed.value;
  if (hasReason(declined)) return succeed({ declined });
  const files = await assembleFiles(parsed.value);
  if (!files.ok) return files;
  return asDrafted(inspectRule({ name: request.name ?? slugify(name), summary, files: files.value }));
}

async function draftSg(text: string, request: RuleRequest): Promise<Result<Drafted>> {
  const parsed = parseSgReply(text);
  if (!parsed.ok) return parsed;
  const { summary, declined } = parsed.value;
  if (hasReason(declined)) return succeed({ declined });
  const name = request.name ?? slugify(parsed.value.name);
  const files = assembleSg(parsed.value, { name, severity: request.severity ?? 'error' });
  return files.ok ? asDrafted(inspectSg({ name, summary, files: files.value })) : files;
}

function asDrafted(inspected: Result<Rule>): Result<Drafted> {
  return inspected.ok ? succeed({ rule: inspected.value }) : inspected;
}

function hasReason(declined: string | null): declined is string {
  return declined !== null && declined.trim() !== '';
}
