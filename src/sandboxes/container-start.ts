/**
 * From "may I start a container" to a container that has proven itself: its own `/healthz` answered with our
 * build id and every wall standing. The platform's word that it runs counts for nothing, and no untrusted byte
 * is sent before.
 */
import { Fault } from '../errors.ts';
import { HEALTH_TRY_MS } from './container-deadlines.ts';
import type { ContainerGate } from './container-gate.ts';
import { withDeadline } from './deadline.ts';
import { readHealth } from './host-health.ts';
import { CONTAINER_PORT } from './verification-container.ts';

const GATE_POLL_MS = 300;
/** Between two tries: doubled, up to the longest. A platform that is short of containers wants to be left alone. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 3_000;

type Gate = Pick<ContainerGate, 'enter' | 'renew' | 'started'>;

export interface StartingContainer {
  containerFetch(url: string, init: RequestInit, port: number): Promise<Response>;
}

/** @throws Fault SANDBOX_UNAVAILABLE when it was not let in by `enterBy`, a time in ms since the epoch */
export async function waitAtGate(gate: Gate, id: string, enterBy: number): Promise<void> {
  while (!(await withDeadline(gate.enter(id), remaining(enterBy), 'was not let in'))) {
    if (Date.now() + GATE_POLL_MS >= enterBy)
      throw new Fault('SANDBOX_UNAVAILABLE', 'too many containers are starting or running');
    await pause(GATE_POLL_MS);
  }
}

/**
 * @throws Fault SANDBOX_UNAVAILABLE when it did not answer in time, or another build did;
 *   SANDBOX_NOT_ISOLATED when a wall does not stand in it
 */
export async function startContainer(
  container: StartingContainer,
  gate: Gate,
  start: { readonly id: string; readonly buildId: string; readonly startBy: number },
): Promise<void> {
  const { id, buildId, startBy } = start;
  let last = 'it gave no answer';
  for (let wait = FIRST_PAUSE_MS; Date.now() < startBy; wait = Math.min(wait * 2, LONGEST_PAUSE_MS)) {
    const tried = askHealth(container, buildId);
    const answer = await Promise.race([tried, pause(Math.min(HEALTH_TRY_MS, remaining(startBy)))]);
    if (answer === 'healthy') {
      // The gate takes a container back whose caller it believed dead.
      if (await withDeadline(gate.started(id), remaining(startBy), 'was not reported as started')) return;
      throw new Fault('SANDBOX_UNAVAILABLE', 'the gate took the container back');
    }
    if (answer !== undefined) last = answer.problem;
    if (!(await withDeadline(gate.renew(id), remaining(startBy), 'lost touch with its gate')))
      throw new Fault('SANDBOX_UNAVAILABLE', 'the gate took the container back');
    await pause(Math.min(wait, remaining(startBy)));
  }
  throw new Fault('SANDBOX_UNAVAILABLE', `container did not become ready: ${last}`);
}

async function askHealth(
  container: StartingContainer,
  buildId: string,
): Promise<'healthy' | { readonly problem: string }> {
  const response = await container.containerFetch('http://verification-host/healthz', {}, CONTAINER_PORT);
  return readHealth(response, buildId);
}

function remaining(until: number): number {
  return Math.max(until - Date.now(), 1);
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
