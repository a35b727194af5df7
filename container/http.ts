/**
 * What a host's HTTP face says, on whatever it is served: routes, refusals, bodies. It serves nothing itself
 * and uses no part of Node that workerd lacks.
 */
import {
  type HostBuild,
  type HostErrorCode,
  type HostErrorResponse,
  type IsolationReport,
  MAX_REQUEST_BYTES,
  PROTOCOL_VERSION,
  type VerifyRequest,
  type VerifyResponse,
} from './protocol.ts';
import { BadRequest, parseRequest } from './request.ts';
import { fitResults } from './size.ts';
import type { Verified } from './verify.ts';

/** A refusal the caller is told the reason of; any other error is told as a failure of the host. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: HostErrorCode;

  constructor(status: number, code: HostErrorCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Who answers, and behind which walls. */
export interface Identity {
  readonly build: HostBuild;
  readonly isolation: IsolationReport;
}

/** @throws HttpError 404 */
export function routeOf(method: string | undefined, path: string | undefined): 'health' | 'verify' {
  const route = `${method} ${path}`;
  if (route === 'GET /healthz') return 'health';
  if (route === 'POST /verify') return 'verify';
  throw new HttpError(404, 'NOT_FOUND', 'only GET /healthz and POST /verify exist');
}

export function tooLarge(): HttpError {
  return new HttpError(413, 'TOO_LARGE', `the body is larger than ${MAX_REQUEST_BYTES} bytes`);
}

/** @throws HttpError 400 */
export function readRequest(body: Uint8Array | ArrayBuffer): VerifyRequest {
  try {
    return parseRequest(decode(body));
  } catch (error) {
    if (error instanceof BadRequest) throw new HttpError(400, 'BAD_REQUEST', error.message);
    throw error;
  }
}

function decode(body: Uint8Array | ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new HttpError(400, 'BAD_REQUEST', 'the body is not UTF-8');
  }
}

/** Whether every wall stood. */
export function isIsolated({ flags }: IsolationReport): boolean {
  return Object.values(flags).every(Boolean);
}

/** @param startedAt of the request, by `performance.now()` */
export function verifyAnswer(
  { nonce }: VerifyRequest,
  { build, isolation }: Identity,
  { results, notRun }: Verified,
  startedAt: number,
): VerifyResponse {
  const durationMs = Math.round(performance.now() - startedAt);
  const head = { protocol: PROTOCOL_VERSION, nonce, build, isolation } as const;
  return { ...head, results: fitResults(results), notRun, durationMs };
}

/** How an error is told to the caller. */
export function refusal(error: unknown): { readonly status: number; readonly body: HostErrorResponse } {
  const known = error instanceof HttpError ? error : new HttpError(500, 'INTERNAL', 'the host failed');
  const { status, code, message } = known;
  return { status, body: { error: { code, message } } };
}
