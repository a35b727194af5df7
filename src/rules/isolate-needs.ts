/** Whether an isolate can verify a rule: its own list, asked with what inspection knows of the check. */
import { unsupported } from '../../isolate/needs.ts';
import type { RuleCase } from '../schema/request.ts';
import type { Rule } from '../schema/rule.ts';
import { sandboxRule } from './sandbox-rule.ts';

/** Why an isolate cannot run the rule on these cases, for people; `null` when it can. */
export function unsupportedByIsolate(rule: Rule, cases: readonly RuleCase[]): string | null {
  return unsupported({ rule: sandboxRule(rule), imports: rule.capabilities.imports, cases });
}
