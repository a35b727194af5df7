/** Every route there is. What is not here is not served, and not in the OpenAPI document. */
import { z } from 'zod';
import { cancelRoutes } from './cancel.ts';
import { generationRoutes } from './generations.ts';
import { keyRoutes } from './keys.ts';
import { retryRoutes } from './retry.ts';
import { type Route, route } from './route.ts';
import { ruleRoutes } from './rules.ts';
import { storedRoutes } from './stored.ts';
import { tokenRoutes } from './tokens.ts';

const health = route({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the service has a usable configuration',
  scope: null,
  answers: { 200: { description: 'It has.', schema: z.object({ ok: z.literal(true) }) } },
  handle: (context) => context.json({ ok: true }),
});

export const ROUTES: readonly Route[] = [
  health,
  ...keyRoutes,
  ...tokenRoutes,
  ...generationRoutes,
  ...retryRoutes,
  ...cancelRoutes,
  ...storedRoutes,
  ...ruleRoutes,
];
