/**
 * The one root directory that every room shows read-only: node, ast-grep, the two programs that drop
 * limits and privileges, exactly the shared libraries these need, our in-room scripts, and empty mount
 * points. No shell, no /etc, no /proc. Round it lies the antechamber that util-linux rooms are built from.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Tools } from './tools.ts';

export interface Skeleton {
  /** The antechamber; its folder `room` is what a command sees as `/`. */
  readonly dir: string;
  readonly room: string;
  /** Empty folder that rooms mount their root on, each in its own mount namespace. */
  readonly mountpoint: string;
  /** Where per-room files of the jail itself go. */
  readonly roomsDir: string;
  readonly script: string;
}

export interface SkeletonInput {
  readonly hostDir: string;
  readonly sourceDir: string;
  readonly node: string;
  readonly astGrep: string;
  readonly tools: Tools;
}

export function buildSkeleton(input: SkeletonInput): Skeleton {
  const { hostDir, sourceDir, tools } = input;
  const dir = join(hostDir, 'skeleton');
  const room = join(dir, 'room');
  for (const name of ['bin', 'old', 'proc', 'room']) makeFolder(join(dir, name));
  for (const name of ['bin', 'case', 'rule', 'tmp', 'dev', 'lib/assay']) makeFolder(join(room, name));
  writeFileSync(join(room, 'dev/null'), '');

  for (const tool of [tools.umount, tools.unshare]) addProgram(dir, tool, basename(tool));
  for (const tool of [tools.setpriv, tools.prlimit]) addProgram(room, tool, basename(tool));
  addProgram(room, input.node, 'node');
  addProgram(room, input.astGrep, 'ast-grep');
  for (const script of readdirSync(join(sourceDir, 'room'))) {
    addFile(join(sourceDir, 'room', script), join(room, 'lib/assay', script), 0o644);
  }

  const script = join(hostDir, 'room.sh');
  addFile(join(sourceDir, 'jail/room.sh'), script, 0o644);
  const mountpoint = join(hostDir, 'root');
  const roomsDir = join(hostDir, 'rooms');
  for (const folder of [mountpoint, roomsDir]) makeFolder(folder);
  chmodSync(roomsDir, 0o711);
  return { dir, room, mountpoint, roomsDir, script };
}

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
}

export function addProgram(root: string, program: string, name: string): void {
  const target = join(root, 'bin', name);
  try {
    // The node binary alone is 120 MB: share it when the file system allows.
    linkSync(realpathSync(program), target);
  } catch {
    addFile(program, target, 0o755);
  }
  for (const library of librariesOf(program)) {
    const place = join(root, library);
    if (existsSync(place)) continue;
    makeFolder(dirname(place));
    addFile(library, place, 0o755);
  }
}

function addFile(from: string, to: string, mode: number): void {
  copyFileSync(from, to);
  chmodSync(to, mode);
}

/** Absolute paths from ldd, the loader included. A static program has none. */
function librariesOf(program: string): string[] {
  let listing: string;
  try {
    listing = execFileSync('/usr/bin/ldd', [program], {
      encoding: 'utf8',
      env: { LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return [];
  }
  const missing = /^\s*(\S+) => not found/m.exec(listing);
  if (missing) throw new Error(`${basename(program)} needs ${missing[1]}, which is not installed`);
  return [...listing.matchAll(/(\/[^\s()]+) \(0x[0-9a-f]+\)/g)].map((match) => match[1] as string);
}
