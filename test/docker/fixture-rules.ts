/** Every recorded draft of every example request, wrong ones too, as rules that a sandbox can run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { readRequests } from '../../dev/fixtures.ts';
import { assembleFiles } from '../../src/rules/assemble.ts';
import { inspectRule } from '../../src/rules/inspect.ts';
import { replySchema } from '../../src/schema/reply.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import type { Rule } from '../../src/schema/rule.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));

export interface FixtureRule {
  readonly name: string;
  readonly rule: Rule;
  readonly cases: readonly RuleCase[];
}

export async function fixtureRules(): Promise<FixtureRule[]> {
  const found: FixtureRule[] = [];
  for (const { id, request } of await readRequests(FIXTURES)) {
    for (const file of readdirSync(join(FIXTURES, 'model', id)).sort()) {
      const reply = replySchema.safeParse(parse(readFileSync(join(FIXTURES, 'model', id, file), 'utf8')));
      const files = reply.success ? await assembleFiles(reply.data) : undefined;
      if (!reply.success || !files?.ok) continue;
      const rule = inspectRule({ name: id, summary: reply.data.summary, files: files.value });
      if (rule.ok) found.push({ name: `${id}/${file}`, rule: rule.value, cases: request.cases });
    }
  }
  return found;
}
