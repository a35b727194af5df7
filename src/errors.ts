/**
 * Faults: stable codes, their HTTP status, and whether trying again can help.
 *
 * Only the code string crosses a step, Durable Object or sandbox hop; class identity does not survive
 * one, so `faultCode` reads the code back out of any error's message. Renaming a code is a breaking
 * change.
 */

interface FaultKind {
  readonly status: number;
  readonly retryable: boolean;
}

export const FAULTS = {
  // The caller's side.
  UNAUTHORIZED: { status: 401, retryable: false },
  /** The token is valid, and lacks the scope. */
  FORBIDDEN: { status: 403, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  /** It was there, and was deleted by request or because of its age. */
  GENERATION_DELETED: { status: 404, retryable: false },
  NO_RULE: { status: 404, retryable: false },
  NO_REPORT: { status: 404, retryable: false },
  NO_CONFIRMATION: { status: 404, retryable: false },
  NO_FEEDBACK: { status: 404, retryable: false },
  NO_PROOF: { status: 404, retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false },
  BODY_TOO_LARGE: { status: 413, retryable: false },
  MALFORMED_JSON: { status: 400, retryable: false },
  INVALID_REQUEST: { status: 400, retryable: false },
  COST_LIMIT_NEEDS_PRICE: { status: 400, retryable: false },
  INVALID_QUERY: { status: 400, retryable: false },
  MODEL_NOT_ALLOWED: { status: 400, retryable: false },
  WEBHOOKS_NOT_CONFIGURED: { status: 400, retryable: false },
  /** The organisation has no secret that a webhook could be signed with. */
  NO_WEBHOOK_SECRET: { status: 400, retryable: false },
  /** Webhooks are not sent there: see docs/spec/webhooks.md. */
  CALLBACK_REFUSED: { status: 400, retryable: false },
  INVALID_IDEMPOTENCY_KEY: { status: 400, retryable: false },
  /** What a batch was to be made of is nothing, or more than one batch takes. */
  BATCH_EMPTY: { status: 400, retryable: false },
  BATCH_TOO_LARGE: { status: 400, retryable: false },
  ALREADY_ENDED: { status: 409, retryable: false },
  NOT_ENDED: { status: 409, retryable: false },
  /** A signed generation is deleted only together with its rule. */
  HAS_RULE: { status: 409, retryable: false },
  ALREADY_SIGNED: { status: 409, retryable: false },
  /** Another retry of the same generation, with other options, is alive. */
  RETRY_UNDER_WAY: { status: 409, retryable: false },
  NOTHING_TO_GO_ON_FROM: { status: 409, retryable: false },
  IDEMPOTENCY_MISMATCH: { status: 409, retryable: false },
  TOO_MANY_SECRETS: { status: 409, retryable: false },
  RATE_LIMITED: { status: 429, retryable: true },
  TRUST_NOT_CONFIGURED: { status: 409, retryable: false },
  TRUST_REFUSED: { status: 409, retryable: false },
  /** The service no longer signs with the key that this rule is signed with. */
  KEY_RETIRED: { status: 409, retryable: false },
  // Our side, before any work.
  CONFIG_INVALID: { status: 503, retryable: false },
  // Our side, during work.
  GENERATION_ENDED: { status: 409, retryable: false },
  WORKFLOW_UNAVAILABLE: { status: 503, retryable: true },
  STORE_CONFLICT: { status: 500, retryable: false },
  STORE_MISSING: { status: 500, retryable: false },
  STEP_RESULT_TOO_LARGE: { status: 500, retryable: false },
  MODEL_UNAVAILABLE: { status: 502, retryable: true },
  MODEL_RATE_LIMITED: { status: 502, retryable: true },
  MODEL_TIMEOUT: { status: 502, retryable: true },
  MODEL_BAD_REQUEST: { status: 502, retryable: false },
  MODEL_UNAUTHORIZED: { status: 502, retryable: false },
  SANDBOX_UNAVAILABLE: { status: 502, retryable: true },
  SANDBOX_BAD_ANSWER: { status: 502, retryable: true },
  SANDBOX_NOT_ISOLATED: { status: 502, retryable: false },
  /** This back end cannot run this rule on these cases; another one may. */
  SANDBOX_UNSUITABLE: { status: 502, retryable: false },
  SANDBOX_REFUSED_INPUT: { status: 502, retryable: false },
  /** The published trust root does not let our key sign now; whatever it signed would be refused. */
  SIGNER_NOT_TRUSTED: { status: 503, retryable: false },
  SIGNATURE_SELF_CHECK_FAILED: { status: 500, retryable: false },
  LOG_UNAVAILABLE: { status: 503, retryable: true },
  /** What the log has published is not what it has on record; it signs nothing until a person looked. */
  LOG_INCONSISTENT: { status: 500, retryable: false },
  INTERNAL: { status: 500, retryable: true },
} as const satisfies Record<string, FaultKind>;

export type FaultCode = keyof typeof FAULTS;

/** A thrown fault. Its message starts with `CODE: `, which is what survives a hop. */
export class Fault extends Error {
  readonly code: FaultCode;
  /** Machine-readable extras for the API answer; never secrets. */
  readonly details: unknown;

  constructor(code: FaultCode, message: string, options?: { cause?: unknown; details?: unknown }) {
    super(`${code}: ${message}`, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.details = options?.details;
  }

  /** The message without its code prefix. */
  get reason(): string {
    return this.message.slice(this.code.length + 2);
  }
}

/** What hops put in front of a message: class names, and what a runtime says of a rejection. */
const PREFIX = /^(?:(?:\w*Error|Fault|remote|Uncaught): |Uncaught \(in promise\) )*/;

/**
 * The fault code an error carries, whatever hops it came over; `INTERNAL` when it carries none. Only the
 * beginning counts: a code quoted further inside came from somebody else's text.
 */
export function faultCode(error: unknown): FaultCode {
  const code = /^([A-Z][A-Z_]+): /.exec(messageOf(error).replace(PREFIX, ''))?.[1];
  return code !== undefined && isFaultCode(code) ? code : 'INTERNAL';
}

export function isRetryable(code: FaultCode): boolean {
  return FAULTS[code].retryable;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The readable part of an error's message: class names and codes that hops put in front removed. */
export function reasonOf(error: unknown): string {
  return messageOf(error)
    .replace(PREFIX, '')
    .replace(/^[A-Z][A-Z_]+: /, '');
}

/** The same for whoever asked; what no code was foreseen for may quote a driver, and is for the log alone. */
export function shownReason(error: unknown): string {
  return faultCode(error) === 'INTERNAL' ? 'something failed on our side' : reasonOf(error);
}

function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(FAULTS, code);
}
