/**
 * A look at a batch, and more of them while something goes on: settles what has ended, makes what may be begun and
 * starts it. Run again, after any part of it, it goes on from what the rows say.
 *
 * It stays for a while because a step and a sleep of the engine for each look cost more than the look: the engine keeps
 * a record of them, and locally 0.03 MiB that it never gives back.
 */
import type { BatchJob } from '../../store/batches.ts';
import type { BatchDeps } from './deps.ts';
import type { TurnsLook } from './look-at-turns.ts';
import { makeGenerations } from './make-generations.ts';
import { type Look, settleItems } from './settle-items.ts';
import { startGenerations } from './start-generations.ts';

export interface LookInput {
  /** How long this instance waited before this; 0 for its first look. */
  readonly lastWaitMs: number;
  /** How long it may wait here between looks, all in all; 0: one look. */
  readonly stayMs: number;
}

/** What the last of the looks says. */
export type Looked = Pick<Look, 'over' | 'economy' | 'waitMs'> & { readonly turns: TurnsLook };

/** @throws Fault WORKFLOW_UNAVAILABLE, STORE_MISSING when the batch is gone */
export async function lookAtBatch(job: BatchJob, input: LookInput, deps: BatchDeps): Promise<Looked> {
  let { lastWaitMs, stayMs } = input;
  for (;;) {
    const look = await lookOnce(job, lastWaitMs, deps);
    const { over, economy, turns, waitMs } = look;
    if (over || asks(turns) || waitMs > stayMs) return { over, economy, turns, waitMs };
    await deps.wait(waitMs);
    lastWaitMs = waitMs;
    stayMs -= waitMs;
  }
}

async function lookOnce(job: BatchJob, lastWaitMs: number, deps: BatchDeps): Promise<Look> {
  const look = await settleItems(job, lastWaitMs, deps);
  if (look.free > 0 || look.unfinished) {
    await makeGenerations(job, look, deps);
    await startGenerations(job, deps);
  }
  return look;
}

/** Whether the provider is to be asked something, which is a step of its own. */
function asks({ submit, due }: TurnsLook): boolean {
  return submit !== null || due.length > 0;
}
