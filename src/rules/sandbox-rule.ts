/**
 * A rule as a sandbox is given it: what a capture is called in a host's request, and that an `sg` rule is
 * one capture whose matches are findings. The bytes are the rule's own, always.
 */
import type { RuleInput } from '../../container/protocol.ts';
import type { Rule } from '../schema/rule.ts';

/** As much of a rule as verification needs. */
export type RunnableRule = Pick<Rule, 'files' | 'captures' | 'report'>;

export function sandboxRule({ files, captures, report }: RunnableRule): RuleInput {
  if (report === undefined) return { files, captures };
  const moved = captures.map((capture) => ({ ...capture, file: `captures/${capture.file}` }));
  return {
    files: Object.fromEntries(captures.map(({ file }) => [`captures/${file}`, files[file] ?? ''])),
    captures: moved,
    report,
  };
}
