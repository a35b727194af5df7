/** What a person or a program sees. Results go to stdout, everything else to stderr. */
import colors from 'picocolors';
import { messageOf } from '../src/errors.ts';
import { EXIT, type ExitCode, UsageError } from './exit.ts';

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints an error in the asked form; returns the exit code for it. */
export function fail(error: unknown, asJson: boolean): ExitCode {
  const known = error instanceof UsageError ? error : null;
  const code = known?.code ?? 'INTERNAL';
  const message = messageOf(error);
  if (asJson) {
    printJson({ ok: false, code, message, ...(known?.hint === undefined ? {} : { hint: known.hint }) });
  } else {
    note(`${colors.red('assay:')} ${message}`);
    if (known?.hint !== undefined) note(`  ${known.hint}`);
    if (known === null && error instanceof Error && process.env.ASSAY_DEBUG) note(error.stack ?? '');
  }
  return EXIT.unknown;
}

/** Text of unknown origin on a terminal: no escapes, no line of its own. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ');
}
