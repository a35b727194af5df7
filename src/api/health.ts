/**
 * Health. `/healthz` is public, cheap, and asked all the time: the configuration is usable. `/v1/health` asks every
 * part and says what is wrong; it costs a handful of requests to them.
 */
import { z } from 'zod';
import { checkHealth } from '../health/check.ts';
import { errorBody } from '../schema/api.ts';
import { healthSchema } from '../schema/health.ts';
import { type Route, route } from './route.ts';

export const healthRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/healthz',
    summary: 'Whether the service has a usable configuration',
    scope: null,
    answers: { 200: { description: 'It has.', schema: z.object({ ok: z.literal(true) }) } },
    handle: (context) => context.json({ ok: true }),
  }),
  route({
    method: 'get',
    path: '/v1/health',
    summary: 'What is wrong, part by part',
    scope: 'admin',
    answers: {
      200: { description: 'It works; `degraded` wants to be looked at.', schema: healthSchema },
      503: {
        description: 'A part is down; or CONFIG_INVALID, with every setting that is wrong.',
        schema: z.union([healthSchema, errorBody]),
      },
    },
    handle: async (context) => {
      const { config, orgId } = context.var;
      const health = await checkHealth(config, orgId, new Date());
      return context.json(health, health.state === 'down' ? 503 : 200);
    },
  }),
];
