/** `GET /v1/metrics`: what the generations of the organisation took, of those that ended in a window. */
import { z } from 'zod';
import { Fault } from '../errors.ts';
import { metricsSchema } from '../schema/metrics.ts';
import { MAX_MEASURED } from '../store/metrics.ts';
import { OPEN_METRICS_TYPE, openMetrics } from './metrics-text.ts';
import { toMetrics } from './metrics-view.ts';
import { type Route, route } from './route.ts';

const DEFAULT_WINDOW_MS = 7 * 86_400_000;
const VERSION = 'version=1.0.0; charset=utf-8';

const moment = z.iso.datetime({ offset: true }).optional();
const metricsQuery = z.strictObject({
  since: moment.describe('ended then or later; without it, 7 days before `until`'),
  until: moment.describe('ended earlier; without it, now'),
});

export const metricsRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/metrics',
    summary: 'What generations took; as OpenMetrics text for those who accept it',
    scope: 'read',
    query: metricsQuery,
    answers: {
      200: {
        description: `Of at most ${MAX_MEASURED} generations, the newest.`,
        schema: metricsSchema,
        or: OPEN_METRICS_TYPE,
      },
    },
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      const nowMs = Date.now();
      const window = { ...windowOf(query, nowMs), limit: MAX_MEASURED };
      const metrics = toMetrics(await store.metrics.of({ orgId, ...window }), window, nowMs);
      if (!(context.req.header('accept') ?? '').includes(OPEN_METRICS_TYPE)) return context.json(metrics);
      return context.body(openMetrics(metrics), 200, { 'content-type': `${OPEN_METRICS_TYPE}; ${VERSION}` });
    },
  }),
];

/** @throws Fault INVALID_QUERY */
function windowOf(
  { since, until }: z.output<typeof metricsQuery>,
  nowMs: number,
): { since: string; until: string } {
  // One more than now: what ended in this very millisecond is in it.
  const untilMs = until === undefined ? nowMs + 1 : Date.parse(until);
  const sinceMs = since === undefined ? Math.max(0, untilMs - DEFAULT_WINDOW_MS) : Date.parse(since);
  if (sinceMs >= untilMs) throw new Fault('INVALID_QUERY', 'since has to be before until');
  return { since: new Date(sinceMs).toISOString(), until: new Date(untilMs).toISOString() };
}
