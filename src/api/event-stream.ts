/**
 * Events as they happen: reads the log of a generation again and again and hands on what is new, with a sign of
 * life where there is nothing. One connection is bounded in time, because each look is a query and a platform
 * allows only so many per request; a client comes back with the last id it saw.
 */
import type { GenerationEvent } from '../schema/api.ts';

export const HEARTBEAT_MS = 15_000;
export const CONNECTION_LIFE_MS = 600_000;
/** Most generations end soon; one that does not is looked at less often. */
const EAGER_FOR_MS = 30_000;
const EAGER_EVERY_MS = 250;
const EVERY_MS = 1_000;

export interface EventSource {
  /** Events after `seq`, oldest first. */
  readonly next: (seq: number) => Promise<readonly GenerationEvent[]>;
  /** Called with every heartbeat; whether the caller may still listen. */
  readonly mayListen: () => Promise<boolean>;
}

export interface EventSink {
  readonly event: (event: GenerationEvent) => Promise<unknown>;
  readonly heartbeat: () => Promise<unknown>;
  readonly closed: () => boolean;
}

export interface Clock {
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** Returns after `ended`, when the connection's life is over, or when nobody listens any more. */
export async function followEvents(
  source: EventSource,
  sink: EventSink,
  after: number,
  clock: Clock,
): Promise<void> {
  const startedMs = clock.nowMs();
  let seq = after;
  let quietSinceMs = startedMs;
  while (!sink.closed()) {
    const events = await source.next(seq);
    for (const event of events) {
      await sink.event(event);
      if (event.type === 'ended') return;
      seq = event.seq;
    }
    const nowMs = clock.nowMs();
    if (nowMs - startedMs >= CONNECTION_LIFE_MS) return;
    if (events.length > 0) quietSinceMs = nowMs;
    if (nowMs - quietSinceMs >= HEARTBEAT_MS) {
      if (!(await source.mayListen())) return;
      await sink.heartbeat();
      quietSinceMs = nowMs;
    }
    await clock.sleep(nowMs - startedMs < EAGER_FOR_MS ? EAGER_EVERY_MS : EVERY_MS);
  }
}
