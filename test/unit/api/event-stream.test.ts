/** The stream of events against a clock of its own: nothing twice, nothing missed, and it ends. */
import { expect, test } from 'vitest';
import { CONNECTION_LIFE_MS, followEvents, HEARTBEAT_MS } from '../../../src/api/event-stream.ts';
import type { GenerationEvent } from '../../../src/schema/api.ts';

const event = (seq: number, type: GenerationEvent['type'] = 'verified'): GenerationEvent => ({
  seq,
  type,
  data: {},
  at: '2026-01-01T00:00:00.000Z',
});

interface Script {
  /** Events by the time at which they are there. */
  readonly events?: readonly (readonly [number, GenerationEvent])[];
  readonly revokedAtMs?: number;
  readonly closedAtMs?: number;
}

async function play({ events = [], revokedAtMs = Infinity, closedAtMs = Infinity }: Script, after = 0) {
  let nowMs = 0;
  let looks = 0;
  const seen: string[] = [];
  const source = {
    next: (seq: number) => {
      looks += 1;
      return Promise.resolve(
        events.filter(([at, one]) => at <= nowMs && one.seq > seq).map(([, one]) => one),
      );
    },
    mayListen: () => Promise.resolve(nowMs < revokedAtMs),
  };
  const sink = {
    event: (one: GenerationEvent) => Promise.resolve(seen.push(`${one.seq} ${one.type}`)),
    heartbeat: () => Promise.resolve(seen.push('beat')),
    closed: () => nowMs >= closedAtMs,
  };
  const clock = {
    nowMs: () => nowMs,
    sleep: (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  await followEvents(source, sink, after, clock);
  return { seen, nowMs, looks };
}

test('every event once, in order, and the end ends it', async () => {
  const { seen } = await play({
    events: [
      [0, event(3)],
      [900, event(5)],
      [900, event(6)],
      [2_000, event(9, 'ended')],
      [2_000, event(10)],
    ],
  });
  expect(seen).toEqual(['3 verified', '5 verified', '6 verified', '9 ended']);
});

test('goes on after the last one seen', async () => {
  const { seen } = await play(
    {
      events: [
        [0, event(3)],
        [0, event(4)],
        [0, event(5, 'ended')],
      ],
    },
    4,
  );
  expect(seen).toEqual(['5 ended']);
});

test('a sign of life for every quiet while, counted from the last event', async () => {
  const { seen } = await play({
    events: [
      [10_000, event(1)],
      [10_000 + HEARTBEAT_MS + 1_500, event(2, 'ended')],
    ],
  });
  expect(seen).toEqual(['1 verified', 'beat', '2 ended']);
});

test('one connection is bounded in time, and looks no oftener than a platform allows', async () => {
  const { nowMs, looks, seen } = await play({});
  expect(nowMs).toBe(CONNECTION_LIFE_MS);
  expect(looks).toBeLessThan(800);
  expect(seen).toHaveLength(CONNECTION_LIFE_MS / HEARTBEAT_MS - 1);
});

test('a token that is revoked meanwhile hears no more', async () => {
  const { seen, nowMs } = await play({ revokedAtMs: HEARTBEAT_MS + 1, events: [[100_000, event(1)]] });
  expect(seen).toEqual(['beat']);
  expect(nowMs).toBeLessThanOrEqual(2 * HEARTBEAT_MS);
});

test('nobody listens any more', async () => {
  expect((await play({ closedAtMs: 1_000 })).nowMs).toBe(1_000);
});
