/** A verification that has no answer because a sandbox failed: never a verdict on the rule. */
import colors from 'picocolors';
import { Fault, type FaultCode } from '../src/errors.ts';
import { UsageError } from './exit.ts';
import { errorDocument, note, plain, print } from './output.ts';

const NEXT_MOVE: Partial<Record<FaultCode, string>> = {
  SANDBOX_UNAVAILABLE: 'run it again; if it stays so, try another --sandbox',
  SANDBOX_BAD_ANSWER: 'run it again; if it stays so, try another --sandbox',
  SANDBOX_NOT_ISOLATED: 'nothing is verified behind a broken wall: use another --sandbox or another machine',
  SANDBOX_REFUSED_INPUT:
    'this sandbox does not take it as it is, for the reason given; try another --sandbox',
};

/** Faults and errors of starting a sandbox as an error with the next move; anything else is thrown on. */
export function asNoAnswer(error: unknown): UsageError {
  if (error instanceof UsageError) return error;
  if (!(error instanceof Fault)) throw error;
  return new UsageError(error.code, error.reason, NEXT_MOVE[error.code] ?? 'run it again');
}

export function printNoAnswer(error: UsageError): void {
  print(`${colors.yellow('inconclusive')} ${plain(error.message)} (${error.code})`);
  if (error.hint !== undefined) note(`  ${error.hint.split('\n').map(plain).join('\n')}`);
}

export function noAnswerDocument(error: UsageError, sandbox: string): Record<string, unknown> {
  return {
    verdict: 'inconclusive',
    sandbox,
    isolation: null,
    cases: [],
    notRun: [],
    ...errorDocument(error),
  };
}
