/**
 * The host's private directory and what it puts there. Names are random and say nothing about a
 * case: a path that leaked into a room must not tell the check what is expected of it. Folders are
 * searchable (0711) because rooms are built by an unprivileged uid, but not listable.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { log } from './log.ts';

const NAME = /^assay-host-(\d+)-[0-9a-f]{16}$/;

export function makeHostDir(): string {
  const dir = join(tmpdir(), `assay-host-${process.pid}-${randomName()}`);
  mkdirSync(dir, { mode: 0o711 });
  chmodSync(dir, 0o711);
  return dir;
}

export function randomName(): string {
  return randomBytes(8).toString('hex');
}

/** Removes directories of hosts that crashed. Only our own uid's, and only when the pid is gone. */
export function removeLeftovers(): void {
  const removed: string[] = [];
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(NAME.exec(name)?.[1]);
    if (!Number.isInteger(pid) || pid === process.pid || isAlive(pid)) continue;
    const dir = join(tmpdir(), name);
    try {
      if (statSync(dir).uid !== process.getuid?.()) continue;
      rmSync(dir, { recursive: true, force: true });
      removed.push(name);
    } catch {
      // Someone else's, or gone meanwhile: not ours to insist on.
    }
  }
  if (removed.length > 0) log('leftovers.removed', { removed });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Writes `files` below a fresh directory, readable by every uid. Paths were validated before. Synchronous
 * on purpose: the files are small, and asynchronous writes of 60 of them took 20 ms where this takes 3.
 */
export function writeTree(parent: string, files: Readonly<Record<string, string>>): string {
  const root = join(parent, randomName());
  mkdirSync(root, { mode: 0o755 });
  writeInto(root, files);
  return root;
}

/** The same into a directory that is there and empty. */
export function writeInto(root: string, files: Readonly<Record<string, string>>): void {
  const made = new Set<string>();
  for (const [path, text] of Object.entries(files)) {
    const target = join(root, path);
    const folder = dirname(target);
    if (folder !== root && !made.has(folder)) {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      made.add(folder);
    }
    writeFileSync(target, text, { mode: 0o644, flag: 'wx' });
  }
}

/** In the background: nobody waits for it, and what is left goes with the host's directory. */
export function removeTree(dir: string): void {
  rm(dir, { recursive: true, force: true }).catch(() => {});
}
