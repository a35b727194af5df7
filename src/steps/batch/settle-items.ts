/**
 * One look at a batch: takes over the ends of its generations, and decides from what the rows say how many items may
 * be begun and when to look again. Looking twice changes nothing that the first look did not.
 */
import { opensAtMs } from '../../rules/batch-window.ts';
import type { Tally } from '../../store/batch-items.ts';
import type { BatchJob, BatchRow } from '../../store/batches.ts';
import { endCancelled } from '../../store/end-cancelled.ts';
import type { BatchDeps } from './deps.ts';
import { MAX_FIRST_TURNS } from './first-turns.ts';
import { lookAtTurns, NO_TURNS, type TurnsLook, type TurnsPlan } from './look-at-turns.ts';

export interface Look {
  /** The instance has nothing to do any more: the batch ended, stopped, or is another instance's. */
  readonly over: boolean;
  /** Items that may be begun now. */
  readonly free: number;
  /** How many are under way then. */
  readonly upTo: number;
  /** Of those begun before: generations that are to be made, or made and to be started. */
  readonly unfinished: boolean;
  readonly economy: boolean;
  readonly turns: TurnsLook;
  readonly waitMs: number;
}

/** Between looks: soon after something ended, then ever more seldom. */
export const SHORTEST_WAIT_MS = 500;
export const LONGEST_WAIT_MS = 10_000;
/** With nothing under way and the window shut. Bounded so that one mistake of a clock is not for ever. */
const LONGEST_SHUT_MS = 6 * 3_600_000;
/** Generations that one look of a cancelled batch ends. */
const MOST_ENDED = 50;

const OVER: Look = {
  over: true,
  free: 0,
  upTo: 0,
  unfinished: false,
  economy: false,
  turns: NO_TURNS,
  waitMs: 0,
};

/** @param lastWaitMs how long this instance waited before this look; 0 for its first */
export async function settleItems(job: BatchJob, lastWaitMs: number, deps: BatchDeps): Promise<Look> {
  const { store } = deps;
  const batch = await store.batches.find(job.orgId, job.batchId);
  if (batch === null || batch.instance !== job.instance) return OVER;
  const now = deps.now();
  const at = now.toISOString();
  if (batch.status === 'cancelled') return endRest(batch, lastWaitMs, deps);
  if (batch.status !== 'running') return OVER;
  const tally = await store.batchItems.settle(job.batchId);
  const { waiting, started } = tally.byStatus;
  const economy = batch.economy === 1;
  const turns = economy ? await lookAtTurns(job, started === 0, deps) : NO_TURNS;
  const isDone = waiting + started + turns.open === 0;
  if (isDone && (await store.batches.finish(job, endOf(tally), at))) {
    await deps.tell(job);
    return OVER;
  }

  const opensMs = opensAtMs(windowOf(batch), now.getTime());
  const cap = capOf(batch, tally, deps);
  if (waiting > 0 && started === 0 && opensMs === null && cap.stop !== null) {
    await store.batches.pause(job.orgId, job.batchId, cap.stop, at);
    return OVER;
  }
  const running = started - tally.unmade - tally.held;
  // In economy mode most of what is begun waits for the provider, where there is room for all.
  const room = economy ? waiting : batch.concurrency - started;
  const slots = Math.max(0, Math.min(room, waiting, cap.items));
  const free = opensMs === null ? slots : 0;
  const ready = economy ? tally.held - tally.undecided - tally.asked : tally.held;
  const toHandOver = economy ? tally.undecided : 0;
  const submit = toHandOver >= MAX_FIRST_TURNS || (toHandOver > 0 && free + tally.unmade === 0);
  const hasWork = !economy || free + running + tally.unmade + ready + toHandOver > 0;

  const calmMs = calmOf(lastWaitMs);
  const pollMs = tally.settled > 0 || free > 0 ? SHORTEST_WAIT_MS : calmMs;
  const shutMs = opensMs === null ? 0 : Math.min(opensMs - now.getTime(), LONGEST_SHUT_MS);
  const busyMs = started > 0 || opensMs === null ? pollMs : Math.max(shutMs, SHORTEST_WAIT_MS);
  const waitMs = hasWork || turns.open === 0 ? busyMs : idleOf(turns, shutMs, calmMs);
  const lookAt = new Date(now.getTime() + waitMs).toISOString();
  const shutUntil = opensMs === null ? null : new Date(opensMs).toISOString();
  if (!(await store.batches.looked(job, { lookAt, shutUntil }, at))) return OVER;
  return {
    over: false,
    free,
    upTo: started + free,
    unfinished: tally.unmade + ready > 0,
    economy,
    turns: { ...turns, submit: submit ? turns.next : null },
    waitMs,
  };
}

/** Generations are ended, and provider batches: those until the last is collected, because answers are paid for. */
async function endRest(batch: BatchRow, lastWaitMs: number, deps: BatchDeps): Promise<Look> {
  const job = { batchId: batch.id, orgId: batch.org_id, instance: batch.instance };
  const now = deps.now();
  const at = now.toISOString();
  const ended = await endCancelled(deps.store, job.batchId, MOST_ENDED, at);
  const more = ended.length === MOST_ENDED;
  const turns = batch.economy === 1 ? await lookAtTurns(job, true, deps) : NO_TURNS;
  const over = !more && turns.open === 0;
  const waitMs = more ? SHORTEST_WAIT_MS : idleOf(turns, 0, calmOf(lastWaitMs));
  const lookAt = over ? null : new Date(now.getTime() + waitMs).toISOString();
  await deps.store.batches.looked(job, { lookAt, shutUntil: null }, at);
  return { ...OVER, over, economy: batch.economy === 1, turns, waitMs };
}

function calmOf(lastWaitMs: number): number {
  return Math.min(Math.max(lastWaitMs * 2, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
}

/** With provider batches to wait for, and nothing else; `shutMs`: also for the window, unless it is 0. */
function idleOf({ due, nextMs }: TurnsPlan, shutMs: number, calmMs: number): number {
  if (due.length > 0 || nextMs === null) return calmMs;
  const limits = [nextMs, LONGEST_SHUT_MS, ...(shutMs > 0 ? [shutMs] : [])];
  return Math.max(SHORTEST_WAIT_MS, Math.min(...limits));
}

function windowOf(batch: BatchRow) {
  return { notBefore: batch.not_before, dailyFrom: batch.daily_from, dailyTo: batch.daily_to };
}

function endOf({ byStatus }: Tally): { code: string; message: string } {
  const { signed, failed, rejected, errored, cancelled } = byStatus;
  const message = `${signed} signed, ${failed + rejected} failed, ${errored} errored, ${cancelled} cancelled`;
  return { code: 'DONE', message };
}

interface Cap {
  /** How many more items what is left of the cap allows. */
  readonly items: number;
  /** Why the batch stops once nothing is under way; `null`: it does not. */
  readonly stop: { readonly code: string; readonly message: string } | null;
}

/**
 * For each item under way as much is reserved as the dearest one cost so far, or, before one has ended, the longest
 * answer of the model. With nothing under way one item may begin while anything is left.
 */
function capOf(batch: BatchRow, tally: Tally, deps: BatchDeps): Cap {
  const { cost_usd_max: max } = batch;
  if (max === null) return { items: Number.POSITIVE_INFINITY, stop: null };
  if (tally.unpricedCalls > 0) {
    const message = 'a model that answered has no configured price, so the spending cap cannot be kept';
    return { items: 0, stop: { code: 'COST_UNKNOWN', message } };
  }
  const spent = tally.costUsd;
  if (spent >= max) {
    const message = `the spending cap of ${max} USD is reached: ${spent.toFixed(4)} USD were spent; resume with a higher one`;
    return { items: 0, stop: { code: 'COST_CAP_REACHED', message } };
  }
  const { started } = tally.byStatus;
  const each =
    tally.dearestUsd > 0 ? tally.dearestUsd : deps.models.answerUsd(batch.model ?? deps.models.default);
  const items = each > 0 ? Math.floor((max - spent) / each) - started : Number.POSITIVE_INFINITY;
  return { items: started === 0 ? Math.max(1, items) : items, stop: null };
}
