/** The gate's rules, by the clock of the test; and the container's rungs of the deadline ladder. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CALLER_TIMEOUT_MS } from '../../../container/protocol.ts';
import {
  END_TIMEOUT_MS,
  HEALTH_TRY_MS,
  MIN_START_MS,
  READY_WITHIN_MS,
  START_TIMEOUT_MS,
} from '../../../src/sandboxes/container-deadlines.ts';
import {
  abandon,
  CONTAINER_LIFE_MS,
  EMPTY_GATE,
  enter,
  type GateState,
  holds,
  leave,
  MAX_CONTAINERS,
  nextSweepAt,
  overdue,
  renew,
  START_LEASE_MS,
  STARTS_AT_ONCE,
  started,
  sweepFailed,
  WAIT_LEASE_MS,
} from '../../../src/sandboxes/container-gate-state.ts';
import { SANDBOX_STEP_TIMEOUT_MS } from '../../../src/workflows/policies.ts';

/** Lets every id ask once, in this order; says who was let in. */
function ask(state: GateState, ids: readonly string[], now: number): { state: GateState; entered: string[] } {
  const entered: string[] = [];
  let next = state;
  for (const id of ids) {
    const answer = enter(next, id, now);
    next = answer.state;
    if (answer.entered) entered.push(id);
  }
  return { state: next, entered };
}

describe('starts', () => {
  it('are let through one at a time, first come first served', () => {
    let { state, entered } = ask(EMPTY_GATE, ['a', 'b', 'c'], 0);
    expect(entered).toEqual(['a']);
    // The order of asking again does not matter, only who came first.
    ({ state, entered } = ask(state, ['c', 'b'], 1_000));
    expect(entered).toEqual([]);
    state = started(state, 'a', 0);
    ({ state, entered } = ask(state, ['c', 'b', 'c'], 2_000));
    expect(entered).toEqual(['b']);
    ({ state, entered } = ask(leave(state, 'b'), ['c'], 3_000));
    expect(entered).toEqual(['c']);
  });

  it('never exceed the limit, whatever the order of events', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    let state = EMPTY_GATE;
    for (let now = 0; now < 2_000_000; now += 500) {
      const id = `s${random(60)}`;
      const act = random(10);
      if (act < 6) state = enter(state, id, now).state;
      else if (act === 6) state = started(state, id, now);
      else if (act === 7) state = leave(state, id);
      else if (act === 8) state = renew(state, id, now);
      else for (const due of overdue(state, now)) state = leave(state, due);
      const starting = state.containers.filter((one) => one.leaseUntil !== null && one.leaseUntil > now);
      expect(starting.length).toBeLessThanOrEqual(STARTS_AT_ONCE);
      expect(state.containers.length).toBeLessThanOrEqual(MAX_CONTAINERS);
      const ids = [...state.containers, ...state.waiting].map((one) => one.id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(nextSweepAt(state) === null).toBe(state.containers.length === 0);
    }
  });

  it('asking again after being let in is harmless', () => {
    const first = ask(EMPTY_GATE, ['a'], 0);
    const again = ask(first.state, ['a'], 100);
    expect(again.entered).toEqual(['a']);
    expect(again.state.containers).toHaveLength(1);
  });

  it('a dead starter blocks the gate no longer than its lease', () => {
    const { state } = ask(EMPTY_GATE, ['dead', 'b'], 0);
    expect(ask(state, ['b'], START_LEASE_MS - 1).entered).toEqual([]);
    expect(ask(state, ['b'], START_LEASE_MS).entered).toEqual(['b']);
    // And when it was only slow, it has lost its container: two may not start at once.
    expect(holds(started(state, 'dead', START_LEASE_MS), 'dead', START_LEASE_MS)).toBe(false);
  });

  it('a slow starter that says so keeps the gate', () => {
    let { state } = ask(EMPTY_GATE, ['slow', 'b'], 0);
    for (let now = 0; now < 40_000; now += HEALTH_TRY_MS) {
      state = renew(state, 'slow', now);
      expect(ask(state, ['b'], now).entered).toEqual([]);
      expect(overdue(state, now)).toEqual([]);
    }
  });

  it('a dead waiter loses its place', () => {
    let { state } = ask(EMPTY_GATE, ['a', 'dead', 'c'], 0);
    state = started(state, 'a', 0);
    expect(ask(state, ['c'], WAIT_LEASE_MS - 1).entered).toEqual([]);
    ({ state } = ask(state, ['c'], WAIT_LEASE_MS - 1));
    expect(ask(state, ['c'], WAIT_LEASE_MS).entered).toEqual(['c']);
  });

  it('stop at the most containers the platform gives', () => {
    let state = EMPTY_GATE;
    for (let n = 0; n < MAX_CONTAINERS; n += 1) state = started(enter(state, `s${n}`, 0).state, `s${n}`, 0);
    expect(ask(state, ['late'], 1_000).entered).toEqual([]);
    expect(ask(leave(state, 's3'), ['late'], 1_000).entered).toEqual(['late']);
  });
});

describe('the sweeper', () => {
  const running = started(ask(EMPTY_GATE, ['a'], 0).state, 'a', 0);

  it('takes what is past its deadline, and nothing before', () => {
    expect(nextSweepAt(running)).toBe(CONTAINER_LIFE_MS);
    expect(overdue(running, CONTAINER_LIFE_MS - 1)).toEqual([]);
    expect(overdue(running, CONTAINER_LIFE_MS)).toEqual(['a']);
  });

  it('takes a container whose starter is gone', () => {
    const { state } = ask(EMPTY_GATE, ['dead'], 0);
    expect(nextSweepAt(state)).toBe(START_LEASE_MS);
    expect(overdue(state, START_LEASE_MS)).toEqual(['dead']);
  });

  it('takes what was handed over at once', () => {
    expect(overdue(abandon(running, 'a', 5_000), 5_000)).toEqual(['a']);
  });

  it('tries again until it succeeds, less and less often, and gives the container back to nobody', () => {
    let state = running;
    let now = CONTAINER_LIFE_MS;
    const pauses: number[] = [];
    for (let tries = 0; tries < 9; tries += 1) {
      expect(overdue(state, now)).toEqual(['a']);
      state = sweepFailed(state, 'a', now);
      expect(holds(state, 'a', now)).toBe(false);
      expect(ask(state, ['a'], now).entered).toEqual([]);
      const next = nextSweepAt(state) ?? 0;
      pauses.push(next - now);
      now = next;
    }
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
    expect(nextSweepAt(leave(state, 'a'))).toBeNull();
  });
});

describe('deadlines', () => {
  it('a call ends by itself before the step does, and no container outlives the step', () => {
    const longestCall = READY_WITHIN_MS + CALLER_TIMEOUT_MS + END_TIMEOUT_MS;
    expect(longestCall).toBeLessThan(SANDBOX_STEP_TIMEOUT_MS);
    expect(longestCall).toBeLessThan(CONTAINER_LIFE_MS);
    expect(CONTAINER_LIFE_MS).toBeLessThanOrEqual(SANDBOX_STEP_TIMEOUT_MS);
  });
  it('who is let in last still has time to start', () => {
    expect(MIN_START_MS).toBeLessThan(READY_WITHIN_MS);
    expect(MIN_START_MS).toBeGreaterThan(HEALTH_TRY_MS);
    expect(START_TIMEOUT_MS).toBeLessThan(READY_WITHIN_MS);
  });
  it('a starter has time to say that it is alive', () => {
    // One try, then one pause of at most 3 s.
    expect(HEALTH_TRY_MS + 3_000).toBeLessThan(START_LEASE_MS);
  });
  it('the gate lets as many run as the platform is asked for', () => {
    const text = readFileSync(new URL('../../../wrangler.jsonc', import.meta.url), 'utf8');
    expect(Number(/"max_instances": (\d+)/.exec(text)?.[1])).toBe(MAX_CONTAINERS);
  });
});
