/**
 * The HTTP edge. Order matters: configuration first (nothing is served on a broken one), then the token,
 * then the resource. Unknown routes and methods get a 4xx with a code.
 */
import { Hono } from 'hono';
import { loadConfig } from '../env.ts';
import { Fault } from '../errors.ts';
import { openStore } from '../store/store.ts';
import { authenticate } from './auth.ts';
import type { AppEnv } from './context.ts';
import { onError } from './errors.ts';
import { generations } from './generations.ts';
import { publicKeys } from './keys.ts';
import { log } from './log.ts';
import { rules } from './rules.ts';
import { sidecars } from './sidecars.ts';
import { stored } from './stored.ts';
import { trust } from './trust.ts';

const METHODS: Readonly<Record<string, readonly string[]>> = {
  '/healthz': ['GET'],
  '/v1/keys': ['GET'],
  '/v1/keys/trust': ['PUT'],
  '/v1/generations': ['GET', 'POST'],
  '/v1/generations/:id': ['GET'],
  '/v1/generations/:id/events': ['GET'],
  '/v1/generations/:id/cancel': ['POST'],
  '/v1/generations/:id/request': ['GET'],
  '/v1/generations/:id/attempts/:n/rule': ['GET'],
  '/v1/generations/:id/attempts/:n/report': ['GET'],
  '/v1/generations/:id/attempts/:n/confirmation': ['GET'],
  '/v1/generations/:id/attempts/:n/feedback': ['GET'],
  '/v1/rules': ['GET'],
  '/v1/rules/:id': ['GET'],
  '/v1/rules/:id/bundle': ['GET'],
  '/v1/rules/:id/proof': ['GET'],
  '/log/checkpoint': ['GET'],
  '/log/key': ['GET'],
  '/log/proof/:sha256': ['GET'],
  '/log/tile/*': ['GET'],
  '/v1/rules/:id/sidecars/:format': ['GET'],
};

export const app = new Hono<AppEnv>();

app.use(async (context, next) => {
  const config = await loadConfig(context.env);
  context.set('config', config);
  context.set('store', openStore(config.db, config.bucket));
  await next();
  // Only what is public and says so itself may be kept.
  if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store');
  context.header('x-content-type-options', 'nosniff');
});

app.get('/healthz', (context) => context.json({ ok: true }));
app.route('/v1/keys', publicKeys);
app.use('/v1/keys/trust', authenticate);
app.route('/v1/keys/trust', trust);
app.route('/log', log);
app.use('/v1/generations', authenticate);
app.use('/v1/generations/*', authenticate);
app.route('/v1/generations', generations);
app.route('/v1/generations', stored);
app.use('/v1/rules', authenticate);
app.use('/v1/rules/*', authenticate);
app.route('/v1/rules', rules);
app.route('/v1/rules', sidecars);

for (const [path, methods] of Object.entries(METHODS)) {
  app.all(path, (context) => {
    context.header('allow', methods.join(', '));
    throw new Fault(
      'METHOD_NOT_ALLOWED',
      `${context.req.method} is not allowed here; use ${methods.join(' or ')}`,
    );
  });
}
app.notFound(() => {
  throw new Fault('NOT_FOUND', 'there is no such route');
});
app.onError(onError);
