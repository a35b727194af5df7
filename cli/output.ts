/** What a person or a program sees. Results go to stdout, everything else to stderr. */
import colors from 'picocolors';
import { messageOf } from '../src/errors.ts';
import { EXIT, type ExitCode, UsageError } from './exit.ts';

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** One document per line, for commands that print several. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints an error in the asked form; returns the exit code for it. */
export function fail(error: unknown, asJson: boolean): ExitCode {
  if (asJson) printJson(errorDocument(error));
  else printError(error);
  return EXIT.unknown;
}

export function printError(error: unknown): void {
  const hint = error instanceof UsageError ? error.hint : undefined;
  note(`${colors.red('assay:')} ${plainLines(messageOf(error))}`);
  if (hint !== undefined) note(`  ${plainLines(hint)}`);
  const unexpected = !(error instanceof UsageError) && error instanceof Error;
  if (unexpected && process.env.ASSAY_DEBUG) note(error.stack ?? '');
}

export function errorDocument(error: unknown): Record<string, unknown> {
  const known = error instanceof UsageError ? error : null;
  return {
    ok: false,
    code: known?.code ?? 'INTERNAL',
    message: messageOf(error),
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  };
}

/** Text of unknown origin on a terminal: no escapes, no line of its own. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, ' ');
}

/** The same for text that may have lines. */
function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}

/** A number and what it counts: `1 case`, `2 cases`; of `info` there is no plural. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 || noun === 'info' ? '' : 's'}`;
}
