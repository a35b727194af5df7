/**
 * The HTTP edge. Order matters: configuration first (nothing is served on a broken one), then the token,
 * then the resource. Unknown routes and methods get a 4xx with a code.
 */
import { createMiddleware } from 'hono/factory';
import { loadConfig } from '../env.ts';
import { Fault } from '../errors.ts';
import { openStore } from '../store/store.ts';
import type { AppEnv } from './context.ts';
import { drain } from './drain.ts';
import { onError } from './errors.ts';
import { observe } from './observe.ts';
import { ROUTES } from './routes.ts';
import { serve } from './serve.ts';

const configure = createMiddleware<AppEnv>(async (context, next) => {
  const config = await loadConfig(context.env);
  context.set('config', config);
  context.set('store', openStore(config.db, config.bucket));
  await next();
  // Only what is public and says so itself may be kept.
  if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store');
  context.header('x-content-type-options', 'nosniff');
});

export const app = serve(ROUTES, observe, drain, configure);

app.notFound(() => {
  throw new Fault('NOT_FOUND', 'there is no such route');
});
app.onError(onError);
