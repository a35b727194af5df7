/**
 * Keeps an answer below its size limit by dropping what is only there to explain, dearest first and in
 * the same way for every case. Findings, outcomes and errors are never touched: verdicts rest on them.
 */
import { type CaseResult, MAX_RESPONSE_BYTES } from './protocol.ts';

/** Room for the envelope round the results. */
const ENVELOPE_BYTES = 16 * 1024;

const STEPS: readonly ((result: CaseResult) => CaseResult)[] = [
  (result) => result,
  (result) => ({ ...result, trees: result.trees.slice(0, 1) }),
  (result) => ({ ...result, trees: [], matches: result.matches.slice(0, 5) }),
  (result) => ({ ...result, trees: [], matches: [], console: result.console.slice(0, 1024).toWellFormed() }),
  (result) => ({ ...result, trees: [], matches: [], console: '' }),
];

export function fitResults(results: readonly CaseResult[], maxBytes = MAX_RESPONSE_BYTES): CaseResult[] {
  for (const step of STEPS) {
    const smaller = results.map(step);
    if (Buffer.byteLength(JSON.stringify(smaller)) <= maxBytes - ENVELOPE_BYTES) return smaller;
  }
  // Findings alone are too much: those cases are told so, rather than the request failing as a whole.
  return results.map((result) => ({
    ...result,
    ...(result.findings.length > 20
      ? {
          outcome: 'output_exceeded' as const,
          error: { name: 'OutputExceeded', message: 'the findings of all cases together are too large' },
        }
      : {}),
    findings: result.findings.slice(0, 20),
    trees: [],
    matches: [],
    console: '',
  }));
}
