/**
 * Economy mode's part of a look at a batch: which provider batches are to be looked at now, and how long there is
 * nothing to do for the others. Only reads.
 */
import type { BatchJob } from '../../store/batches.ts';
import type { FirstTurnDeps } from './first-turns.ts';

export interface TurnsLook {
  /** The number under which what is held is handed over now; `null`: it is not. */
  readonly submit: number | null;
  /** `recorded`: the provider's id of it is known, so it is looked at; else it is submitted again. */
  readonly due: readonly { readonly n: number; readonly recorded: boolean }[];
  /** Nobody waits for answers any more: they are ended at the provider, and what they answered is collected. */
  readonly unwanted: boolean;
}

export interface TurnsPlan extends TurnsLook {
  /** The number of the next one. */
  readonly next: number;
  /** Provider batches of which something is expected. */
  readonly open: number;
  /** Until the next of them is to be looked at; negative when that is past, `null` when there is none. */
  readonly nextMs: number | null;
}

/** Of one look: each takes two steps, and an instance has a limit of them. */
const MOST_DUE = 2;

export const NO_TURNS: TurnsPlan = {
  submit: null,
  due: [],
  unwanted: false,
  next: 1,
  open: 0,
  nextMs: null,
};

export async function lookAtTurns(
  job: BatchJob,
  unwanted: boolean,
  { store, now }: Pick<FirstTurnDeps, 'store' | 'now'>,
): Promise<TurnsPlan> {
  const open = await store.firstTurns.openOf(job.orgId, job.batchId);
  const at = now();
  const due = open.filter((row) => {
    const isToEnd = unwanted && row.provider_id !== null && row.cancelled_at === null;
    return isToEnd || row.look_at <= at.toISOString();
  });
  const [first] = open;
  return {
    submit: null,
    next: await store.firstTurns.nextOf(job.orgId, job.batchId),
    due: due.slice(0, MOST_DUE).map(({ n, provider_id: id }) => ({ n, recorded: id !== null })),
    unwanted,
    open: open.length,
    nextMs: first === undefined ? null : Date.parse(first.look_at) - at.getTime(),
  };
}
