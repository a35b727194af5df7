/** Every recorded draft of every example request, wrong ones too, as rules that a sandbox can run. */
import { fileURLToPath } from 'node:url';
import { readRecordings } from '../../dev/fixtures.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import type { Rule } from '../../src/schema/rule.ts';
import { DRAFT } from '../../src/steps/draft-rule.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));

export interface FixtureRule {
  readonly name: string;
  readonly rule: Rule;
  readonly cases: readonly RuleCase[];
}

export async function fixtureRules(): Promise<FixtureRule[]> {
  const found: FixtureRule[] = [];
  for (const { id, request, engine, replies } of await readRecordings(FIXTURES)) {
    for (const { file, reply } of replies) {
      const drafted = await DRAFT[engine](JSON.stringify(reply), request);
      if (drafted.ok && 'rule' in drafted.value)
        found.push({ name: `${id}/${file}`, rule: drafted.value.rule, cases: request.cases });
    }
  }
  return found;
}
