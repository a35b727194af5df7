/** Every error becomes `{ ok: false, code, message, details? }`. What we did not expect says nothing of itself. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { FAULTS, Fault, messageOf } from '../errors.ts';
import { log } from '../logger.ts';
import type { AppEnv } from './context.ts';
import { RETRY_AFTER_S } from './limits.ts';

export function onError(error: unknown, context: Context<AppEnv>): Response {
  const fault = faultOf(error, context);
  const code = fault?.code ?? 'INTERNAL';
  context.set('code', code);
  const body = {
    ok: false,
    code,
    message: fault?.reason ?? 'something failed on our side; try again',
    ...(fault?.details === undefined ? {} : { details: fault.details }),
  };
  // Also where no route was found, and the middleware that sets them never ran to its end.
  context.header('cache-control', 'no-store');
  context.header('x-content-type-options', 'nosniff');
  if (code === 'RATE_LIMITED') context.header('retry-after', String(RETRY_AFTER_S));
  if (code === 'UNAUTHORIZED') context.header('www-authenticate', 'Bearer');
  return context.json(body, FAULTS[code].status as ContentfulStatusCode);
}

/** What was thrown, when it is a fault; else a note of it for the operator, and `null`. */
export function faultOf(error: unknown, context: Context<AppEnv>): Fault | null {
  if (error instanceof Fault) return error;
  const { requestId, route } = context.var;
  log('error', 'unexpected', { requestId, route, message: messageOf(error) });
  return null;
}
