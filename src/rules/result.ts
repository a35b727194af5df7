/** A validation failure is a value with a tagged reason, never an exception. */

export interface Problem {
  /** Stable tag, for tests and machines. */
  readonly reason: string;
  /** File (and line) the problem is in, for example `check.ts:12`. */
  readonly where: string;
  /** What is wrong and what to do, for a person or a model. */
  readonly message: string;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function succeed<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse(problems: readonly Problem[]): { ok: false; problems: readonly Problem[] } {
  return { ok: false, problems };
}
