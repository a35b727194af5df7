/**
 * The one root directory that every room shows read-only: node, ast-grep, the two programs that drop
 * limits and privileges, exactly the shared libraries these need, our in-room scripts, and empty mount
 * points. No shell, no /etc, no /proc. Round it lies the antechamber that util-linux rooms are built from.
 */
import { spawnSync } from 'node:child_process';
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

  addPrograms(dir, { umount: tools.umount, unshare: tools.unshare });
  const { setpriv, prlimit } = tools;
  addPrograms(room, { setpriv, prlimit, node: input.node, 'ast-grep': input.astGrep });
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

/** @param programs by the name each gets in `bin` */
export function addPrograms(root: string, programs: Readonly<Record<string, string>>): void {
  for (const [name, program] of Object.entries(programs)) {
    const target = join(root, 'bin', name);
    try {
      // The node binary alone is 120 MB: share it when the file system allows.
      linkSync(realpathSync(program), target);
    } catch {
      addFile(program, target, 0o755);
    }
  }
  for (const library of librariesOf(Object.values(programs))) {
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

/**
 * Absolute paths from ldd, the loader included. A static program has none: ldd then fails, and still lists
 * those of the others.
 */
function librariesOf(programs: readonly string[]): string[] {
  const { stdout } = spawnSync('/usr/bin/ldd', [...programs], {
    encoding: 'utf8',
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const listing = stdout ?? '';
  const missing = /^\s*(\S+) => not found/m.exec(listing);
  if (missing) {
    throw new Error(
      `one of ${programs.map((path) => basename(path)).join(', ')} needs ${missing[1]}, which is not installed`,
    );
  }
  return [...listing.matchAll(/(\/[^\s()]+) \(0x[0-9a-f]+\)/g)].map((match) => match[1] as string);
}
