/**
 * What a jail is to the rest of the host: something that turns "run this inside an empty room" into
 * a command line. Building the command is pure; `run.ts` starts it, watches it and sees it dead.
 */
import { MAX_CPU_SECONDS, type RoomLimits } from '../limits.ts';
import type { IsolationReport } from '../protocol.ts';

/** Paths as seen inside a room. */
export const ROOM = {
  case: '/case',
  rule: '/rule',
  node: '/bin/node',
  astGrep: '/bin/ast-grep',
  scripts: '/lib/assay',
} as const;

/** The whole environment of a room. No PATH worth having: there is nothing to find on it. */
export const ROOM_ENV: Readonly<Record<string, string>> = {
  HOME: '/tmp',
  LANG: 'C.UTF-8',
  PATH: '/bin',
  TMPDIR: '/tmp',
  TZ: 'UTC',
  // io_uring is a large kernel surface that a check does not need.
  UV_USE_IO_URING: '0',
};

export interface RoomSpec {
  /** Command inside the room, absolute path first. */
  readonly argv: readonly string[];
  /** Working directory inside the room. */
  readonly cwd: string;
  /** Host directories shown read-only at {@link ROOM.case} and {@link ROOM.rule}. */
  readonly caseDir: string;
  readonly ruleDir: string;
  readonly limits: RoomLimits;
}

export interface RoomCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Files to write before the start and to remove after the end, by absolute path. */
  readonly files: Readonly<Record<string, string>>;
  /** A directory of the room's own, for a jail that can mount nothing. */
  readonly folder?: { make(): void; remove(): void };
}

/** Walls a test may leave out to prove that the self-test notices. The host itself never passes any. */
export type Weakness =
  | 'network'
  | 'processes'
  | 'case-writable'
  | 'privileges'
  | 'capabilities'
  | 'host-files';

export interface Jail {
  readonly kind: IsolationReport['jail'];
  /** True when every room gets a uid of its own; false when the host has no root to hand them out. */
  readonly ownUid: boolean;
  /** False when a room gets copies: what is put into the host's directories later is not seen in it. */
  readonly sharesFolders: boolean;
  command(spec: RoomSpec, uid: number, name: string): RoomCommand;
  /** Begins to kill the room whose outermost process this is. By default its pid namespace goes. */
  readonly kill?: (pid: number) => void;
  /** Kills whatever else has the room's uid, and tells whether it was seen dead. For rooms of no namespace. */
  readonly sweep?: (uid: number) => Promise<boolean>;
}

/** Flags of setpriv(1) for another user who is in no group. */
export function userArgs(uid: number): string[] {
  return [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
}

/** Flags of prlimit(1), applied inside the room so that RLIMIT_NPROC counts the room's processes alone. */
export function prlimitArgs(limits: RoomLimits): string[] {
  const both = (value: number): string => `${value}:${value}`;
  return [
    `--cpu=${limits.cpuSeconds}:${MAX_CPU_SECONDS}`,
    `--data=${both(limits.dataBytes)}`,
    `--nproc=${both(limits.processes)}`,
    `--nofile=${both(limits.openFiles)}`,
    `--fsize=${both(limits.fileBytes)}`,
    '--core=0:0',
    '--memlock=0:0',
    '--msgqueue=0:0',
  ];
}
