/**
 * Rooms that are built, with node booted and waiting for its task, before there is one: a warm host
 * answers in milliseconds. Each is used for one case and then gone, like any other room; nothing of a
 * request is in it before it is taken. None waits longer than a minute, and none is made for a host that
 * had nothing to do since.
 */
import type { Jail } from './jail/jail.ts';
import type { RoomExit, RoomTask } from './jail/run.ts';
import { MAX_READY_ROOM_AGE_MS } from './limits.ts';
import { removeTree, writeTree } from './temp.ts';

export interface ReadyRoom {
  /** Host directories shown in the room; empty until the room is taken. */
  readonly caseDir: string;
  readonly checkDir: string;
  /** Hands the task over; the exit is that of the room. */
  run(task: RoomTask): Promise<RoomExit>;
}

/** Starts a room that waits for `task`; supplied by whoever knows what runs in it. */
export type StartRoom = (
  jail: Jail,
  dirs: Pick<ReadyRoom, 'caseDir' | 'checkDir'>,
  task: Promise<RoomTask>,
  wait: RoomTask,
) => Promise<RoomExit>;

interface Waiting {
  readonly usableUntil: number;
  readonly room: ReadyRoom;
}

export class ReadyRooms {
  readonly #jail: Jail;
  readonly #dir: string;
  readonly #start: StartRoom;
  readonly #most: number;
  readonly #maxAgeMs: number;
  readonly #closed = new AbortController();
  #waiting: Waiting[] = [];

  constructor(jail: Jail, dir: string, most: number, start: StartRoom, maxAgeMs = MAX_READY_ROOM_AGE_MS) {
    this.#jail = jail;
    this.#dir = dir;
    this.#most = most;
    this.#start = start;
    this.#maxAgeMs = maxAgeMs;
  }

  get count(): number {
    return this.#waiting.length;
  }

  take(): ReadyRoom | undefined {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      // One about to be too old might be killed in the moment it is handed over; it goes by itself.
      if (performance.now() < next.usableUntil) return next.room;
    }
    return undefined;
  }

  /** To be called when no slot is busy, so that making rooms ready takes nothing from a running case. */
  refill(): void {
    while (this.#waiting.length < this.#most && !this.#closed.signal.aborted) this.#add();
  }

  close(): void {
    this.#closed.abort();
  }

  #add(): void {
    const dirs = { caseDir: writeTree(this.#dir, {}), checkDir: writeTree(this.#dir, {}) };
    const handover = Promise.withResolvers<RoomTask>();
    const wait = { timeoutMs: this.#maxAgeMs, signal: this.#closed.signal };
    const exit = this.#start(this.#jail, dirs, handover.promise, wait);
    const waiting: Waiting = {
      usableUntil: performance.now() + this.#maxAgeMs * 0.9,
      room: {
        ...dirs,
        run: (task) => {
          handover.resolve(task);
          return exit;
        },
      },
    };
    this.#waiting.push(waiting);
    exit.finally(() => {
      this.#waiting = this.#waiting.filter((one) => one !== waiting);
      removeTree(dirs.caseDir);
      removeTree(dirs.checkDir);
    });
  }
}
