/** Exit codes and the errors that end a command. The codes are part of the interface. */

export const EXIT = {
  /** Signed, accepted, verified, or replayed with the stored result. */
  ok: 0,
  /** The answer is no: not accepted, not verified, generation failed, replay differs. */
  no: 1,
  /** There is no answer: usage, unreadable input, our side failed. */
  unknown: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Something the user can mend; printed as one line, with the next move where there is one. */
export class UsageError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.name = 'UsageError';
    this.code = code;
    this.hint = hint;
  }
}
