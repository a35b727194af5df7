/**
 * Findings of a rule that has no check: one per match, at the match, with the words and the severity the
 * caller gave. Pure. It keeps to the limits of what a check may return and cuts nothing off to do so.
 */
import { readFindings } from './findings.ts';
import { MAX_FINDINGS } from './limits.ts';
import { type Ending, ending } from './outcome.ts';
import type { Finding, Match, MatchReport } from './protocol.ts';

const TOO_MANY_FINDINGS = ending(
  'output_exceeded',
  'TooManyFindings',
  `the rule matches more than ${MAX_FINDINGS} places`,
);

export function reportMatches(
  matches: readonly Match[],
  { message, severity }: MatchReport,
): Ending & { readonly findings: readonly Finding[] } {
  if (matches.length > MAX_FINDINGS) return { ...TOO_MANY_FINDINGS, findings: [] };
  const read = readFindings(
    matches.map(({ file, line, column }) => ({ file, line, column, message, severity })),
  );
  if ('findings' in read) return { outcome: 'exited', findings: read.findings };
  // Its message is too long for so many, or ast-grep named a file that no case has.
  return { ...ending('invalid_result', 'InvalidFindings', read.problem), findings: [] };
}
