/**
 * Serves the table of routes: token, budget, scope, query, body, handler, in this order, so that nothing is
 * parsed for somebody who may not ask. A known path with another method is told the right ones.
 */
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { Fault } from '../errors.ts';
import { allows } from '../schema/tokens.ts';
import { authenticate } from './auth.ts';
import { bodyOf } from './body.ts';
import type { AppEnv } from './context.ts';
import { budgetOf, spendBudget } from './limits.ts';
import { parseQuery } from './query.ts';
import type { Route } from './route.ts';

/** The table as a router; `before` run ahead of every route, in their order. */
export function serve(routes: readonly Route[], ...before: MiddlewareHandler<AppEnv>[]): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  for (const one of before) app.use(one);
  for (const one of routes) app.on(one.method.toUpperCase(), one.path, (context) => answerOf(one, context));
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(path, (context) => {
      context.set('route', path);
      context.header('allow', methods.join(', '));
      throw new Fault(
        'METHOD_NOT_ALLOWED',
        `${context.req.method} is not allowed here; use ${methods.join(' or ')}`,
      );
    });
  }
  return app;
}

async function answerOf(one: Route, context: Context<AppEnv>): Promise<Response> {
  const { onFault } = one;
  if (onFault === undefined) return answer(one, context);
  try {
    return await answer(one, context);
  } catch (error) {
    return onFault(error, context);
  }
}

async function answer(one: Route, context: Context<AppEnv>): Promise<Response> {
  context.set('route', one.path);
  if (one.scope !== null) {
    const caller = await authenticate(context);
    await spendBudget(context, budgetOf(one), caller.orgId);
    if (!allows(caller.scopes, one.scope)) {
      throw new Fault('FORBIDDEN', `this token lacks the scope "${one.scope}"`, {
        details: { scope: one.scope },
      });
    }
  }
  const query = parseQuery(context, one.query);
  const body = await bodyOf(context, one);
  return one.handle(context, { query: query as never, body: body as never });
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of routes) {
    methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()]);
  }
  return methods;
}
