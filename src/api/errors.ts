/** Every error becomes `{ ok: false, code, message, details? }`. What we did not expect says nothing of itself. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { FAULTS, Fault, messageOf } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { RETRY_AFTER_S } from './limits.ts';

export function onError(error: unknown, context: Context<AppEnv>): Response {
  const fault = error instanceof Fault ? error : null;
  if (fault === null) {
    console.error(
      JSON.stringify({
        level: 'error',
        event: 'unexpected',
        path: context.req.path,
        message: messageOf(error),
      }),
    );
  }
  const code = fault?.code ?? 'INTERNAL';
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
