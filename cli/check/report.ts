/** What one run of `assay check` found, as plain data; every form of output is made from it. */

import type { IsolationReport, Severity } from '../../container/protocol.ts';
import type { NotScanned } from '../../container/repository/not-scanned.ts';

/** Why a rule was not run. The reasons of `assay verify`, and some of its own. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** Who signed what, once that is known. */
export interface Origin {
  readonly bundleSha256: string;
  readonly keyId: string;
  readonly signer: string;
  readonly generation: string;
  readonly summary: string;
}

/**
 * `checked`: it ran, or nothing matched; `refused`: it was not run; `ignored`: unsigned, and that was allowed;
 * `failed`: it was run and gave no answer.
 */
export type RuleStatus = 'checked' | 'refused' | 'ignored' | 'failed';

export interface RuleReport {
  readonly name: string;
  readonly status: RuleStatus;
  /** Set unless `checked`. */
  readonly refusal?: Refusal;
  readonly origin?: Origin;
  readonly matches: number;
  /** All of them, shown or not. */
  readonly findings: number;
  readonly checkMs?: number;
}

export interface FoundFinding {
  readonly rule: string;
  readonly file: string;
  readonly message: string;
  readonly severity: Severity;
  /** 1-based. */
  readonly line?: number;
  readonly column?: number;
}

export interface ShownFinding extends FoundFinding {
  /** The same as long as the line has the same text, wherever it moves; see `fingerprint.ts`. */
  readonly fingerprint: string;
}

export type Counts = Readonly<Record<Severity, number>>;

export interface CheckReport {
  readonly root: string;
  readonly rules: readonly RuleReport[];
  /** Ordered by file, line, column, rule. */
  readonly findings: readonly ShownFinding[];
  /** Of all findings. */
  readonly counts: Counts;
  /** True when there are more findings than shown. */
  readonly truncated: boolean;
  readonly scannedFiles: number;
  readonly notScanned: readonly NotScanned[];
  /** `null` when nothing was run. */
  readonly isolation: IsolationReport | null;
  readonly durationMs: number;
}

export const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];

/** The more serious first. */
export function compareSeverity(a: Severity, b: Severity): number {
  return SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b);
}

export function compareFindings(a: FoundFinding, b: FoundFinding): number {
  return (
    compareText(a.file, b.file) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    (a.column ?? 0) - (b.column ?? 0) ||
    compareText(a.rule, b.rule) ||
    compareText(a.message, b.message)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
