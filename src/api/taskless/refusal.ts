/**
 * Errors as the Taskless client reads them: `{ error, details? }`. It shows details of a 400, its own words for the
 * names it knows, and otherwise the status alone, so names beyond those are for people who look at the wire.
 */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { FAULTS, type FaultCode } from '../../errors.ts';
import { errorBody } from '../../schema/api.ts';
import { tasklessError } from '../../schema/taskless.ts';
import type { AppEnv } from '../context.ts';
import { faultOf } from '../errors.ts';
import { RETRY_AFTER_S } from '../limits.ts';
import type { Answer, Route } from '../route.ts';

/** Something that only this contract has a name for. */
export class Refusal extends Error {
  readonly status: 400 | 403 | 404;
  readonly error: string;
  readonly details: readonly string[] | undefined;

  constructor(status: Refusal['status'], error: string, details?: readonly string[]) {
    super(error);
    this.name = 'Refusal';
    this.status = status;
    this.error = error;
    this.details = details;
  }
}

export function invalid(details: readonly string[]): Refusal {
  return new Refusal(400, 'validation_error', details);
}

const NAMES: Partial<Record<FaultCode, string>> = {
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'access_denied',
  INVALID_REQUEST: 'validation_error',
  INVALID_QUERY: 'validation_error',
  MALFORMED_JSON: 'validation_error',
  MODEL_NOT_ALLOWED: 'validation_error',
  COST_LIMIT_NEEDS_PRICE: 'validation_error',
  INTERNAL: 'internal_error',
};

export function tasklessFault(error: unknown, context: Context<AppEnv>): Response {
  context.header('cache-control', 'no-store');
  if (error instanceof Refusal) {
    const { status, error: name, details } = error;
    return context.json({ error: name, ...(details === undefined ? {} : { details }) }, status);
  }
  const fault = faultOf(error, context);
  const code = fault?.code ?? 'INTERNAL';
  const { status } = FAULTS[code];
  if (code === 'RATE_LIMITED') context.header('retry-after', String(RETRY_AFTER_S));
  if (code === 'UNAUTHORIZED') context.header('www-authenticate', 'Bearer');
  const name = NAMES[code] ?? code.toLowerCase();
  const details = status === 400 && fault !== null ? { details: detailsOf(fault.details, fault.reason) } : {};
  return context.json({ error: name, ...details }, status as ContentfulStatusCode);
}

const issues = z.array(z.object({ path: z.string(), message: z.string() })).min(1);

function detailsOf(details: unknown, reason: string): string[] {
  const parsed = issues.safeParse(details);
  if (!parsed.success) return [reason];
  return parsed.data.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
}

const error = (description: string): Answer => ({ description, schema: tasklessError });
const EVERYWHERE: Readonly<Record<number, Answer>> = {
  400: error('validation_error, with details'),
  500: error('internal_error'),
  503: {
    description: 'workflow_unavailable; or CONFIG_INVALID in the shape of /v1',
    schema: z.union([tasklessError, errorBody]),
  },
};
const WITH_TOKEN: Readonly<Record<number, Answer>> = {
  401: error('unauthorized'),
  403: error('access_denied'),
  429: error('rate_limited'),
};
const WITH_BODY: Readonly<Record<number, Answer>> = {
  413: error('body_too_large'),
  415: error('unsupported_media_type'),
};

export const RATE_LIMITED = error('rate_limited');

/** @param found codes of a 404 it can answer, for people; without any it has none */
export function errorAnswers(
  { scope, body }: Pick<Route, 'scope'> & { readonly body: boolean },
  found?: string,
): Readonly<Record<number, Answer>> {
  const none: Readonly<Record<number, Answer>> = {};
  return {
    ...EVERYWHERE,
    ...(scope === null ? none : WITH_TOKEN),
    ...(body ? WITH_BODY : none),
    ...(found === undefined ? none : { 404: error(found) }),
  };
}
