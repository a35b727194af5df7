/**
 * Where the rules of one run of `assay check` are executed: a private directory, the machine's jail, and a
 * measurement of its walls. Nothing listens and nothing is kept: it ends with the process, whatever ends that.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findAstGrep } from '../find-ast-grep.ts';
import { findJail, NoJail } from '../jail/detect.ts';
import type { Jail } from '../jail/jail.ts';
import { killAllRooms } from '../jail/run.ts';
import { measureIsolation } from '../jail/self-test.ts';
import type { IsolationReport } from '../protocol.ts';
import { makeHostDir, removeLeftovers } from '../temp.ts';
import { type Repository, showRepository } from './repository.ts';

export { NoJail };

/** Somebody waits for this measurement each time; one that saw too little is made again. */
const LINGER_MS = 80;

export interface RepositoryWorkshop {
  readonly jail: Jail;
  readonly hostDir: string;
  /** Readable by us alone. */
  readonly spoolDir: string;
  readonly repository: Repository;
  readonly astGrepVersion: string;
  /** What the walls were measured to hold. No check may run before it is known. */
  readonly isolation: Promise<IsolationReport>;
}

export interface PrivateDir {
  readonly hostDir: string;
  /** Synchronous, so that it can be the last thing a process does. */
  close(): void;
}

/** Removes what killed runs left, and makes the directory of this one. */
export function openPrivateDir(): PrivateDir {
  removeLeftovers();
  const hostDir = makeHostDir();
  return {
    hostDir,
    close() {
      killAllRooms();
      rmSync(hostDir, { recursive: true, force: true });
    },
  };
}

/** @throws NoJail with what would help */
export async function openWorkshop(hostDir: string, root: string): Promise<RepositoryWorkshop> {
  const found = await findJail({
    hostDir,
    sourceDir: join(import.meta.dirname, '..'),
    node: process.execPath,
    astGrep: findAstGrep(),
    choice: 'auto',
  });
  const spoolDir = join(hostDir, 'matches');
  mkdirSync(spoolDir, { mode: 0o700 });
  return {
    jail: found.jail,
    hostDir,
    spoolDir,
    repository: showRepository(hostDir, root),
    astGrepVersion: found.astGrepVersion,
    isolation: measureIsolation(found.jail, hostDir, LINGER_MS),
  };
}
