/**
 * What happened to a generation: a page of JSON, or a stream that goes on until it ends. Ids of the stream are
 * the events' numbers, so that whoever comes back with `Last-Event-ID` misses nothing and gets nothing twice.
 */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import { Fault, messageOf } from '../errors.ts';
import { log } from '../logger.ts';
import { eventPage, hasEnded } from '../schema/api.ts';
import { authenticate } from './auth.ts';
import type { AppEnv } from './context.ts';
import { followEvents } from './event-stream.ts';
import { findGeneration } from './find-generation.ts';
import { pathParam, type Route, route } from './route.ts';

export const STREAM_TYPE = 'text/event-stream';
const LAST_ID_HEADER = 'last-event-id';
const MOST_EVENTS = 500;

const eventsQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0).describe('number of the last event that was seen'),
});

export const eventRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/generations/:id/events',
    summary: 'What happened, oldest first; as a stream for those who accept text/event-stream',
    scope: 'read',
    query: eventsQuery,
    headers: {
      [LAST_ID_HEADER]: 'Number of the last event that was seen; counts before `after`. Streams only.',
    },
    answers: {
      200: { description: 'At most 500 events, or a stream of them.', schema: eventPage, or: STREAM_TYPE },
      204: { description: 'A stream would be empty: the generation has ended and its last event was seen.' },
    },
    errors: ['NOT_FOUND', 'GENERATION_DELETED'],
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      const { id, status } = await findGeneration(store, orgId, pathParam(context, 'id'));
      const next = (seq: number) => store.events.after(orgId, id, seq, MOST_EVENTS);
      if (!(context.req.header('accept') ?? '').includes(STREAM_TYPE)) {
        return context.json({ events: await next(query.after) });
      }
      const after = lastIdOf(context) ?? query.after;
      // Without this, a client that comes back by itself would do so for ever.
      if (hasEnded(status) && (await next(after)).length === 0) return context.body(null, 204);
      return stream(context, after, next);
    },
  }),
];

/** @throws Fault INVALID_QUERY */
function lastIdOf(context: Context<AppEnv>): number | null {
  const text = context.req.header(LAST_ID_HEADER);
  if (text === undefined) return null;
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new Fault('INVALID_QUERY', 'Last-Event-ID must be the number of an event');
}

function stream(
  context: Context<AppEnv>,
  after: number,
  next: Parameters<typeof followEvents>[0]['next'],
): Response {
  return streamSSE(context, async (out) => {
    const sink = {
      event: (event: Awaited<ReturnType<typeof next>>[number]) =>
        out.writeSSE({ id: String(event.seq), event: event.type, data: JSON.stringify(event) }),
      heartbeat: () => out.write(': still here\n\n'),
      closed: () => out.aborted || out.closed,
    };
    const clock = { nowMs: () => Date.now(), sleep: (ms: number) => out.sleep(ms) };
    try {
      await followEvents({ next, mayListen: () => mayListen(context) }, sink, after, clock);
    } catch (error) {
      // The answer has begun, so it can only break off; the client comes back with the last id it saw.
      log('warn', 'stream_failed', { requestId: context.get('requestId'), message: messageOf(error) });
    }
  });
}

/** A token that was revoked meanwhile ends its streams too. */
async function mayListen(context: Context<AppEnv>): Promise<boolean> {
  try {
    await authenticate(context);
    return true;
  } catch {
    return false;
  }
}
