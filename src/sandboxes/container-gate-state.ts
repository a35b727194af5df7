/**
 * The rules of the start gate as functions of its state and the time: who may start a container now, and which
 * containers have to be destroyed by the gate because nobody else did.
 *
 * Starts are let through one at a time: of 16 concurrent starts on the platform all came up one by one, 13 two
 * at a time and 11 three at a time, and those that failed counted as running (workerd issue 5996).
 */

/** There is one gate; all callers have to name it alike. */
export const GATE_NAME = 'gate';

export const STARTS_AT_ONCE = 1;
/** As `max_instances` in wrangler.jsonc: more starts would only be refused. */
export const MAX_CONTAINERS = 20;
/** A caller that starts a container says so again within this time; a dead one blocks the gate no longer. */
export const START_LEASE_MS = 15_000;
/** A caller that waits asks again within this time, or loses its place. */
export const WAIT_LEASE_MS = 5_000;
/** From the moment a container may be started until it must be gone; no call is left by then. */
export const CONTAINER_LIFE_MS = 180_000;
/** Between tries to destroy one container: doubled each time, up to the longest. */
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;
const MAX_WAITING = 500;

export interface GateState {
  /** First come, first served. */
  readonly waiting: readonly { readonly id: string; readonly leaseUntil: number }[];
  /** Every container that may be running. Times in milliseconds since the epoch. */
  readonly containers: readonly HeldContainer[];
}

export interface HeldContainer {
  readonly id: string;
  /** Set while it is being started. */
  readonly leaseUntil: number | null;
  /** When the gate destroys it. */
  readonly sweepAt: number;
  /** How often that failed. */
  readonly failures: number;
}

export const EMPTY_GATE: GateState = { waiting: [], containers: [] };

/** Asking again is harmless, and is how a place in the queue is kept. */
export function enter(
  state: GateState,
  id: string,
  now: number,
): { readonly state: GateState; readonly entered: boolean } {
  if (holds(state, id, now)) return { state: renew(state, id, now), entered: true };
  if (state.containers.some((one) => one.id === id)) return { state, entered: false };
  const here = { id, leaseUntil: now + WAIT_LEASE_MS };
  const alive = state.waiting.filter((one) => one.leaseUntil > now || one.id === id);
  const known = alive.some((one) => one.id === id);
  if (!known && alive.length >= MAX_WAITING) return { state: { ...state, waiting: alive }, entered: false };
  const waiting = known ? alive.map((one) => (one.id === id ? here : one)) : [...alive, here];
  const starting = state.containers.filter((one) => one.leaseUntil !== null && one.leaseUntil > now).length;
  const free = starting < STARTS_AT_ONCE && state.containers.length < MAX_CONTAINERS;
  if (!free || waiting[0]?.id !== id) return { state: { ...state, waiting }, entered: false };
  const container: HeldContainer = {
    id,
    leaseUntil: now + START_LEASE_MS,
    sweepAt: now + CONTAINER_LIFE_MS,
    failures: 0,
  };
  return {
    state: { waiting: waiting.slice(1), containers: [...state.containers, container] },
    entered: true,
  };
}

/** Is this container still its caller's? Not once its lease or life is over: then the gate destroys it. */
export function holds(state: GateState, id: string, now: number): boolean {
  return state.containers.some((one) => one.id === id && one.failures === 0 && dueAt(one) > now);
}

/** Changes nothing for a container that has been started or is not held any more. */
export function renew(state: GateState, id: string, now: number): GateState {
  if (!holds(state, id, now)) return state;
  return change(state, id, (one) =>
    one.leaseUntil === null ? one : { ...one, leaseUntil: now + START_LEASE_MS },
  );
}

export function started(state: GateState, id: string, now: number): GateState {
  return holds(state, id, now) ? change(state, id, (one) => ({ ...one, leaseUntil: null })) : state;
}

/** The caller has seen it destroyed, or never entered. */
export function leave(state: GateState, id: string): GateState {
  return {
    waiting: state.waiting.filter((one) => one.id !== id),
    containers: state.containers.filter((one) => one.id !== id),
  };
}

/** The caller could not destroy it: the gate does, as soon as it can. */
export function abandon(state: GateState, id: string, now: number): GateState {
  const handed = change(state, id, (one) => ({ ...one, leaseUntil: null, sweepAt: now }));
  return { ...handed, waiting: state.waiting.filter((one) => one.id !== id) };
}

/** Past their deadline, or started by a caller that is gone. */
export function overdue(state: GateState, now: number): string[] {
  return state.containers.filter((one) => dueAt(one) <= now).map((one) => one.id);
}

export function sweepFailed(state: GateState, id: string, now: number): GateState {
  return change(state, id, (one) => ({
    ...one,
    leaseUntil: null,
    failures: one.failures + 1,
    sweepAt: now + Math.min(FIRST_RETRY_MS * 2 ** one.failures, LONGEST_RETRY_MS),
  }));
}

/** When somebody has to look again; null when nothing is held. */
export function nextSweepAt(state: GateState): number | null {
  return state.containers.length === 0 ? null : Math.min(...state.containers.map(dueAt));
}

function dueAt(one: HeldContainer): number {
  return one.leaseUntil === null ? one.sweepAt : Math.min(one.leaseUntil, one.sweepAt);
}

function change(state: GateState, id: string, to: (one: HeldContainer) => HeldContainer): GateState {
  return { ...state, containers: state.containers.map((one) => (one.id === id ? to(one) : one)) };
}
