/** A small `sg` rule for tests that are about something else; its cases are those of `rule.ts`. */
import { assembleSg } from '../../src/rules/assemble-sg.ts';
import { inspectSg } from '../../src/rules/inspect-sg.ts';
import type { SgReply } from '../../src/schema/reply.ts';
import type { Rule } from '../../src/schema/rule.ts';

export const goodSgReply: SgReply = {
  name: 'no-eval',
  summary: 'Reports every call of eval.',
  language: 'TypeScript',
  message: 'eval is used',
  note: null,
  yaml: 'rule:\n  pattern: eval($CODE)\n',
  declined: null,
};

export function sgRule(over: Partial<SgReply> = {}): Rule {
  const files = assembleSg({ ...goodSgReply, ...over }, { name: 'no-eval', severity: 'error' });
  const rule = files.ok ? inspectSg({ name: 'no-eval', summary: '', files: files.value }) : files;
  if (!rule.ok) throw new Error(rule.problems.map((one) => one.message).join('; '));
  return rule.value;
}
