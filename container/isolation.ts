/**
 * From what a self-test saw to the report that every back end gives. A wall counts as standing only when its
 * attack was seen to fail; no answer counts as fallen.
 */
import { ISOLATION_FLAGS, type IsolationFlag, type IsolationReport } from './protocol.ts';

/** A probe's report; empty when it gave none. It is the word of what ran inside. */
export type Probe = Readonly<Record<string, unknown>>;

/** @param measured flags for which the probe's word alone is not enough, or not asked */
export function isolationReport(
  jail: IsolationReport['jail'],
  probe: Probe,
  measured: Readonly<Partial<Record<IsolationFlag, boolean | undefined>>>,
): IsolationReport {
  const flags = ISOLATION_FLAGS.map((flag) => [flag, measured[flag] ?? probe[flag] === true] as const);
  return {
    jail,
    flags: Object.fromEntries(flags) as Record<IsolationFlag, boolean>,
    measuredAt: new Date().toISOString(),
  };
}

const MOST_TRIES = 3;

/**
 * On a busy machine a probe may run out of time, or be gone before the kernel was asked about it: then nothing
 * was measured, which is tried again. What was measured stands, whatever it is.
 */
export async function untilSeen<Seen extends { readonly probe: Probe }>(
  tryOnce: () => Promise<Seen>,
  wasKernelAsked: (seen: Seen) => boolean,
): Promise<Seen> {
  const isWhole = (seen: Seen): boolean => Object.keys(seen.probe).length > 0 && wasKernelAsked(seen);
  let seen = await tryOnce();
  for (let tries = 1; tries < MOST_TRIES && !isWhole(seen); tries += 1) seen = await tryOnce();
  return seen;
}
