/**
 * What a back end has left of processes and files, seen from outside. Compared with how it was when it had
 * just started; only rooms made ready ahead may have come since, told by what is in them: nothing.
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { descendants } from '../processes.ts';
import type { RunningBackEnd } from './back-ends.ts';
import type { Kind } from './names.ts';

/** How long after its last answer a back end may take to clear away, and to come to rest. */
const SETTLE_MS = 15_000;

export interface Leftovers {
  /** Processes and files that should not be there. Rooms that are being made ready meanwhile may come and go. */
  find(): Promise<{ readonly processes: string[]; readonly files: string[] }>;
  /** The same when nothing more is under way: not even an empty folder too many. */
  findAtRest(): Promise<string[]>;
}

const NOTHING: Leftovers = { find: async () => ({ processes: [], files: [] }), findAtRest: async () => [] };

export async function watchLeftovers(
  backEnd: Pick<RunningBackEnd, 'pid' | 'tempDir'>,
  kind: Kind,
  settleMs = SETTLE_MS,
): Promise<Leftovers> {
  const { pid, tempDir } = backEnd;
  if (pid === undefined || tempDir === undefined) return NOTHING;
  // A host starts nothing but rooms; other back ends may keep a process of their own.
  const own = new Set(kind === 'host' ? [] : childrenOf(pid));
  const untilEmpty = (look: () => string[]) => untilEmptyOr(settleMs, look);
  const rooms = () => roomsOf(pid, tempDir);
  const files = () => listing(tempDir, rooms());
  await untilEmpty(() => strays(pid, rooms(), own));
  const before = await untilSame(files);
  return {
    async find() {
      const since = bootClockTicks();
      const processes = await untilEmpty(() => strays(pid, rooms(), own, since));
      const left = await untilEmpty(() => changes(before, files()).filter((one) => !MADE_READY.test(one)));
      return { processes, files: left };
    },
    findAtRest: () => untilEmpty(() => [...strays(pid, rooms(), own), ...changes(before, files())]),
  };
}

async function untilEmptyOr(settleMs: number, look: () => string[]): Promise<string[]> {
  for (const until = performance.now() + settleMs; ; await wait(25)) {
    const found = look();
    if (found.length === 0 || performance.now() > until) return found;
  }
}

async function untilSame(look: () => Map<string, string>): Promise<Map<string, string>> {
  for (let last = look(); ; ) {
    await wait(500);
    const now = look();
    if (changes(last, now).length === 0) return now;
    last = now;
  }
}

interface Rooms {
  /** Processes that live in a room: what they are, by process id. */
  readonly inside: ReadonlyMap<number, string>;
  /** Of these, and of the processes that hold the room, those of a room nothing was put into yet. */
  readonly waiting: ReadonlySet<number>;
  /** Names of the empty folders that such rooms show as case and rule. */
  readonly waitingDirs: ReadonlySet<string>;
}

/** Processes are told to be in a room by what is mounted, so that one that changed its parent is seen too. */
function roomsOf(hostPid: number, tempDir: string): Rooms {
  const inside = new Map<number, string>();
  const waiting = new Set<number>();
  const waitingDirs = new Set<string>();
  for (const pid of processIds()) {
    const mounts = readOr(`/proc/${pid}/mountinfo`);
    if (!mounts.includes(`/assay-host-${hostPid}-`)) continue;
    inside.set(pid, readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim());
    const shown = [...mounts.matchAll(SHOWN)].map(([, dir = '']) => dir);
    if (shown.length === 0 || !shown.every((dir) => isEmpty(tempDir, dir))) continue;
    waiting.add(pid);
    for (const dir of shown) waitingDirs.add(basename(dir));
  }
  for (const child of childrenOf(hostPid)) {
    const chain = [child, ...descendants(child)];
    if (chain.some((pid) => waiting.has(pid))) for (const pid of chain) waiting.add(pid);
  }
  return { inside, waiting, waitingDirs };
}

/** The host's folder of a mount that a room shows as case or rule, seen from the room or its antechamber. */
const SHOWN = /^\S+ \S+ \S+ (\S+) (?:\/\S*)?\/(?:case|rule) /gm;

/** A mount of a folder that was removed names it with a suffix, and is not found. */
function isEmpty(tempDir: string, mounted: string): boolean {
  try {
    return readdirSync(join(tempDir, basename(dirname(mounted)), basename(mounted))).length === 0;
  } catch {
    return false;
  }
}

/** @param since what started later holds nothing of what has been asked until then */
function strays(hostPid: number, rooms: Rooms, own: ReadonlySet<number>, since = Infinity): string[] {
  const found = new Set<number>();
  for (const pid of rooms.inside.keys()) if (!rooms.waiting.has(pid)) found.add(pid);
  // A dead child that nobody asked about is a process too.
  for (const child of childrenOf(hostPid)) {
    if (!own.has(child) && !rooms.waiting.has(child)) found.add(child);
  }
  return [...found]
    .filter((pid) => startedAt(pid) <= since)
    .map((pid) => {
      const state = /^State:\s*(.*)$/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 'gone';
      return `process ${pid} is left (${state}): ${rooms.inside.get(pid) ?? ''}`;
    });
}

/** In clock ticks since boot, 100 a second: the only clock that tells the age of any process. */
function startedAt(pid: number): number {
  const stat = readOr(`/proc/${pid}/stat`);
  // Ended meanwhile: older than anything, and then not there when looked at again.
  return stat === '' ? 0 : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

function bootClockTicks(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100;
}

function childrenOf(pid: number): number[] {
  return readOr(`/proc/${pid}/task/${pid}/children`).split(' ').map(Number).filter(Boolean);
}

function processIds(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** What the jail keeps on disk for a room as long as it stands. */
const ROOM_FILE = /^assay-host-\d+-[0-9a-f]{16}\/rooms\/[0-9a-f]{16}\.fstab$/;

/** A change that a room made ready makes: an empty folder, or a file of the jail's. */
const MADE_READY =
  /^assay-host-\d+-[0-9a-f]{16}\/(?:[0-9a-f]{16}|rooms\/[0-9a-f]{16}\.fstab)(?: is left| changed or is gone)$/;

/** Everything below `dir` but what belongs to rooms made ready. */
function listing(dir: string, rooms: Rooms): Map<string, string> {
  const found = new Map<string, string>();
  let roomFiles = 0;
  for (const path of pathsBelow(dir)) {
    if (rooms.waitingDirs.has(basename(path))) continue;
    if (ROOM_FILE.test(path) && ++roomFiles <= rooms.waitingDirs.size / 2) continue;
    try {
      const stat = lstatSync(join(dir, path));
      // Of a folder only that it is there: its times change with what comes and goes in it.
      found.set(path, stat.isDirectory() ? 'folder' : [stat.mode, stat.size, stat.mtimeMs].join(' '));
    } catch {
      // Gone meanwhile.
    }
  }
  return found;
}

/** Folders may go while they are read. */
function pathsBelow(dir: string, inside = ''): string[] {
  try {
    return readdirSync(join(dir, inside), { withFileTypes: true }).flatMap((entry) => {
      const path = join(inside, entry.name);
      return entry.isDirectory() ? [path, ...pathsBelow(dir, path)] : [path];
    });
  } catch {
    return [];
  }
}

function changes(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  const gone = [...before.keys()].filter((path) => now.get(path) !== before.get(path));
  const left = [...now.keys()].filter((path) => !before.has(path));
  return [...gone.map((path) => `${path} changed or is gone`), ...left.map((path) => `${path} is left`)];
}
