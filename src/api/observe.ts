/**
 * One line in the log for every call, and a request id on every answer, whatever became of it. The line has the
 * route's pattern, never the path or the query: those are the caller's text.
 */
import { createMiddleware } from 'hono/factory';
import { log } from '../logger.ts';
import type { AppEnv } from './context.ts';

export const REQUEST_ID_HEADER = 'x-request-id';
const SANE_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** Asked all the time by whoever watches; only its failures are worth a line. */
const QUIET_ROUTE = '/healthz';

export const observe = createMiddleware<AppEnv>(async (context, next) => {
  const startedMs = Date.now();
  const asked = context.req.header(REQUEST_ID_HEADER) ?? '';
  const requestId = SANE_ID.test(asked) ? asked : crypto.randomUUID();
  context.set('requestId', requestId);
  await next();
  context.header(REQUEST_ID_HEADER, requestId);
  const { status } = context.res;
  const { orgId: org, route = 'none', code } = context.var;
  if (route === QUIET_ROUTE && status < 500) return;
  const { method } = context.req;
  const durationMs = Date.now() - startedMs;
  const level = status >= 500 ? 'error' : 'info';
  log(level, 'request', { requestId, method: knownMethod(method), route, status, durationMs, org, code });
});

/** A method is the caller's text, too. */
function knownMethod(method: string): string {
  return /^[A-Z]{1,7}$/.test(method) ? method : 'other';
}
