/**
 * Findings of a rule that has no check, on a repository: one per match in its spool, which holds places alone.
 * The same reading and the same limits as for what a check returns.
 */
import { readFindings } from '../findings.ts';
import { type Ending, ending } from '../outcome.ts';
import type { Finding, MatchReport } from '../protocol.ts';
import { RULE_FINDINGS } from './check.ts';
import type { Spool } from './spool.ts';

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export async function reportSpool(
  spool: Spool,
  { message, severity }: MatchReport,
): Promise<Ending & { readonly findings: readonly Finding[] }> {
  if (spool.matches > RULE_FINDINGS.count) {
    const problem = `the rule matches more than ${RULE_FINDINGS.count} places`;
    return { ...ending('output_exceeded', 'TooManyFindings', problem), findings: [] };
  }
  const parts: Uint8Array[] = [];
  for await (const part of spool.read()) parts.push(part);
  // Written by the spool itself, not by ast-grep.
  const places = JSON.parse(`[${Buffer.concat(parts).toString('utf8')}]`) as readonly Place[];
  const read = readFindings(
    places.map(({ file, line, column }) => ({ file, line, column, message, severity })),
    RULE_FINDINGS,
  );
  if ('findings' in read) return { outcome: 'exited', findings: read.findings };
  return { ...ending('invalid_result', 'InvalidFindings', read.problem), findings: [] };
}
