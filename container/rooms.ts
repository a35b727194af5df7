/**
 * The back end made of jailed rooms: ast-grep, the type stripper and every check run in a room of their
 * own; this side only lays files out, starts rooms and reads what they left.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCheck } from './check.ts';
import type { Jail } from './jail/jail.ts';
import { type NarrowPlan, narrow, planNarrow } from './narrow.ts';
import { NOT_TOGETHER, narrowTogether, type Together } from './narrow-together.ts';
import { type PreparedCheck, prepareCheck } from './prepare-check.ts';
import type { Match, VerifyRequest } from './protocol.ts';
import type { ReadyRooms } from './ready-rooms.ts';
import type { Slots } from './slots.ts';
import { randomName, removeTree, writeTree } from './temp.ts';
import { syntaxTrees } from './trees.ts';
import type { BackEnd, Checked, Narrowed, Session } from './verify.ts';

export interface Workshop {
  readonly jail: Jail;
  readonly slots: Slots;
  readonly hostDir: string;
  readonly ready: ReadyRooms;
  readonly readyStrippers: ReadyRooms;
}

export function roomsBackEnd(workshop: Workshop): BackEnd {
  return {
    slots: workshop.slots,
    open: (request, signal) => openRooms(workshop, request, signal),
    idle: () => {
      workshop.readyStrippers.refill();
      workshop.ready.refill();
    },
  };
}

async function openRooms(
  workshop: Workshop,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<RoomSession> {
  const dir = join(workshop.hostDir, randomName());
  await mkdir(dir, { mode: 0o711 });
  try {
    const plan = planNarrow(dir, request.rule);
    const hasCheck = request.rule.report === undefined;
    const check = hasCheck ? prepareCheck(workshop, request, dir, signal) : undefined;
    const casesDir = writeTree(dir, {});
    const caseDirs = request.cases.map(({ files }) => writeTree(casesDir, files));
    const together = await narrowInSlot(workshop, request, plan, casesDir, signal);
    return new RoomSession({ workshop, request, signal, dir, plan, check, caseDirs, together });
  } catch (error) {
    removeTree(dir);
    throw error;
  }
}

async function narrowInSlot(
  workshop: Workshop,
  request: VerifyRequest,
  plan: NarrowPlan,
  casesDir: string,
  signal: AbortSignal,
): Promise<Together> {
  const release = await workshop.slots.acquire(signal);
  if (release === undefined) return NOT_TOGETHER;
  const cases = { count: request.cases.length, timeoutMs: request.limits.caseTimeoutMs };
  const together = await narrowTogether(workshop.jail, plan, casesDir, cases, signal);
  release(together.undead);
  return together;
}

interface Layout {
  readonly workshop: Workshop;
  readonly request: VerifyRequest;
  readonly signal: AbortSignal;
  /** Holds everything of this request. */
  readonly dir: string;
  readonly plan: NarrowPlan;
  /** Undefined when the rule has no check. */
  readonly check: Promise<PreparedCheck> | undefined;
  readonly caseDirs: readonly string[];
  readonly together: Together;
}

class RoomSession implements Session {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  async narrow(index: number, deadlineAt: number): Promise<Narrowed> {
    const { workshop, plan, together, signal } = this.#layout;
    const caseDir = this.#caseDir(index);
    const sharedMs = together.shareMs;
    const known = together.resultOf(caseDir);
    if (known !== undefined) return { ...known, sharedMs };
    return { ...(await narrow(workshop.jail, plan, caseDir, deadlineAt, signal)), sharedMs };
  }

  trees(index: number, deadlineAt: number): ReturnType<Session['trees']> {
    const { workshop, request, plan, signal } = this.#layout;
    const dirs = { case: this.#caseDir(index), rule: plan.dir };
    const files = request.cases[index]?.files ?? {};
    return syntaxTrees(workshop.jail, request.rule.captures, files, dirs, deadlineAt, signal);
  }

  async prepared(): ReturnType<Session['prepared']> {
    const check = await this.#layout.check;
    return check === undefined || 'dir' in check ? undefined : check.ending;
  }

  async check(index: number, matches: readonly Match[], timeoutMs: number): Promise<Checked> {
    const { workshop, request, signal } = this.#layout;
    const check = await this.#layout.check;
    if (check === undefined || !('dir' in check)) throw new Error('the check was not prepared');
    const room = workshop.ready.take();
    const files = request.cases[index]?.files ?? {};
    return runCheck(workshop.jail, {
      ...(room === undefined ? {} : { ready: { room, files, code: check.code } }),
      caseDir: this.#caseDir(index),
      checkDir: check.dir,
      matches,
      timeoutMs,
      signal,
    });
  }

  close(): void {
    removeTree(this.#layout.dir);
  }

  #caseDir(index: number): string {
    const dir = this.#layout.caseDirs[index];
    if (dir === undefined) throw new Error(`there is no case ${index}`);
    return dir;
  }
}
