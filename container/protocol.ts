/**
 * The wire between the Worker and the verification host: one request, one response.
 *
 * The host is told nothing that would let a check guess the expected answer: cases carry neutral
 * ids, no names and no labels. The caller decides statuses and verdicts; the host only reports what
 * happened. Types and constants only, so both sides may import this file.
 */

export const PROTOCOL_VERSION = 1;

/** Header that marks an answer as the host's own, so that a platform's error page is never read as one. */
export const BUILD_HEADER = 'x-assay-build';

/**
 * The deadline ladder, innermost first. Each rung must leave the one inside it time to answer;
 * `test/unit/deadlines.test.ts` asserts the order.
 */
export const CASE_TIMEOUT_MS = 10_000;
export const HOST_TOTAL_TIMEOUT_MS = 90_000;
export const CALLER_TIMEOUT_MS = 110_000;

/** Cases a host runs at the same time at the least. */
export const HOST_PARALLELISM = 2;

/**
 * A check that hangs hangs everywhere: after so many timed-out cases the rest of a request is not run,
 * so that one bad rule holds its slots for seconds and not for the host's whole total.
 */
export const STOP_AFTER_TIMEOUTS = 3;

/** Largest request body the host reads. */
export const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
/** Largest answer the host writes; reports are stored whole, so this bounds an R2 object. */
export const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

export interface VerifyRequest {
  readonly protocol: typeof PROTOCOL_VERSION;
  /** Fresh per call, echoed in the answer, so that an answer cannot be taken for another call's. */
  readonly nonce: string;
  readonly rule: RuleInput;
  readonly cases: readonly CaseInput[];
  readonly limits: VerifyLimits;
}

export interface RuleInput {
  /** Rule files by POSIX path: `captures/*.yml` and, unless `report` is given, `check.ts`. */
  readonly files: Readonly<Record<string, string>>;
  /**
   * What the capture files declare, read by the caller: the host has no YAML parser. Lists every
   * `captures/*` file exactly once.
   */
  readonly captures: readonly CaptureInput[];
  /** Given for a rule that has no check: every match of its one capture, an anchor, is a finding. */
  readonly report?: MatchReport;
}

/** What every match of a rule without a check is reported as. */
export interface MatchReport {
  readonly message: string;
  readonly severity: Severity;
}

export interface CaptureInput {
  /** Key in {@link RuleInput.files}, e.g. `captures/calls.yml`. */
  readonly file: string;
  /** The capture's ast-grep `id`, unique in the rule. */
  readonly id: string;
  /** `metadata.taskless.name`. */
  readonly name: string;
  /** `metadata.taskless.match`; `anchor` when the file says nothing. */
  readonly match: 'anchor' | 'broad';
  /** ast-grep language name, as in the file. */
  readonly language: string;
  /** True when the file has `files` or `ignores`, whose globs start at the repository's root. */
  readonly scoped: boolean;
}

export interface CaseInput {
  /** Neutral id (`c0`, `c1`, …), unique in the request. */
  readonly id: string;
  /** The tiny repository: text by repository-relative POSIX path. */
  readonly files: Readonly<Record<string, string>>;
}

export interface VerifyLimits {
  /** Wall clock for one case, narrow and check together. At most {@link CASE_TIMEOUT_MS}. */
  readonly caseTimeoutMs: number;
  /** Wall clock for the whole request. At most {@link HOST_TOTAL_TIMEOUT_MS}. */
  readonly totalTimeoutMs: number;
}

/** How a process ended. Only `exited` can lead to an accepted case. */
export const OUTCOMES = [
  'exited',
  'signalled',
  'timed_out',
  'memory_exceeded',
  'output_exceeded',
  'process_limit',
  'invalid_result',
  'host_error',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export type Severity = 'error' | 'warning' | 'info';

/** A capture hit, in the shape a check receives it. */
export interface Match {
  /** `metadata.taskless.name` of the capture. */
  readonly rule: string;
  /** `id` of the capture. */
  readonly ruleId: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  readonly text: string;
  /** Single metavariables only, by name without `$`. */
  readonly captures: Readonly<Record<string, string>>;
}

/** A result the check returned, after strict validation. */
export interface Finding {
  readonly file: string;
  readonly message: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  readonly severity?: Severity;
}

/** `error.name` of a case that this back end cannot run, and another one may: neither a verdict nor a failure. */
export const UNSUPPORTED = 'Unsupported';

/** What a check threw, or why its process could not give a result. */
export interface CheckError {
  readonly name: string;
  readonly message: string;
  /** 1-based line of `check.ts` when the stack names one. */
  readonly line?: number;
}

/** Syntax tree of a case file, given when no capture matched, so that feedback can show it. */
export interface SyntaxTree {
  readonly file: string;
  readonly language: string;
  /** ast-grep's s-expression-like dump with positions, capped. */
  readonly text: string;
}

export interface CaseResult {
  readonly id: string;
  readonly outcome: Outcome;
  /** The process that `outcome` speaks of: ast-grep (`narrow`) or the check. */
  readonly stage: 'narrow' | 'check';
  /**
   * All matches, though `matches` lists only the first few. 0 means the check was never started. Of a rule
   * without a check the stage is always `narrow`.
   */
  readonly matchCount: number;
  readonly matches: readonly Match[];
  readonly findings: readonly Finding[];
  /** Set when the process exited but the check threw, or explains any other outcome than `exited`. */
  readonly error?: CheckError;
  /** stdout and stderr of the check, interleaved, capped, control characters stripped. */
  readonly console: string;
  readonly trees: readonly SyntaxTree[];
  readonly narrowMs: number;
  readonly checkMs: number;
}

/** What the self-test measured as the jailed user. Each flag is true when the wall held. */
export const ISOLATION_FLAGS = [
  'tcpBlocked',
  'dnsBlocked',
  'loopbackBlocked',
  'outsideWriteBlocked',
  'caseWriteBlocked',
  'hostFilesHidden',
  'hostProcessesHidden',
  'environmentCleared',
  'uidDropped',
  'capabilitiesDropped',
  'noNewPrivileges',
] as const;
export type IsolationFlag = (typeof ISOLATION_FLAGS)[number];

export interface IsolationReport {
  readonly jail: 'bubblewrap' | 'util-linux' | 'process' | 'workerd' | 'worker-loader';
  readonly flags: Readonly<Record<IsolationFlag, boolean>>;
  /** ISO 8601. */
  readonly measuredAt: string;
}

export interface HostBuild {
  /** Digest over the host's own sources; in an image, the same id the image was labelled with. */
  readonly id: string;
  readonly node: string;
  readonly astGrep: string;
}

export interface VerifyResponse {
  readonly protocol: typeof PROTOCOL_VERSION;
  readonly nonce: string;
  readonly build: HostBuild;
  readonly isolation: IsolationReport;
  /** One per case that was run, in request order. */
  readonly results: readonly CaseResult[];
  /**
   * Ids of cases left out, after {@link STOP_AFTER_TIMEOUTS} or because they might not have ended within
   * the request's total. Every case is here or in `results`.
   */
  readonly notRun: readonly string[];
  readonly durationMs: number;
}

/** `GET /healthz`. `ok` is false when a wall did not hold, or when no room can be used any more. */
export interface HealthResponse {
  readonly ok: boolean;
  readonly build: HostBuild;
  readonly isolation: IsolationReport;
}

/** Body of every non-200 answer. */
export interface HostErrorResponse {
  readonly error: { readonly code: HostErrorCode; readonly message: string };
}

export type HostErrorCode = 'BAD_REQUEST' | 'TOO_LARGE' | 'NOT_FOUND' | 'UNAUTHORIZED' | 'INTERNAL';
