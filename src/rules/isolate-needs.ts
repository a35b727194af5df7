/** Placeholder until the isolate back end's own list lands. */
import type { RuleCase } from '../schema/request.ts';
import type { Rule } from '../schema/rule.ts';

export function unsupportedByIsolate(_rule: Rule, _cases: readonly RuleCase[]): string | null {
  return null;
}
