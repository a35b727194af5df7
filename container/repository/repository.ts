/**
 * A repository as rooms see it: by one link in the private directory, so that no path of the machine's gets
 * into a room's mounts. The check sees the project and nothing above it. The scan may also see the folders
 * between it and the work tree's top, because ignore files there count.
 */
import { existsSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOM } from '../jail/jail.ts';

export interface Repository {
  /** Shown to checks at {@link ROOM.case}. */
  readonly projectDir: string;
  /** Shown to the scan at {@link ROOM.case}, which starts in `scanCwd`. */
  readonly scanDir: string;
  readonly scanCwd: string;
}

/** @param root absolute, without links */
export function showRepository(hostDir: string, root: string): Repository {
  const top = workTreeTop(root);
  const below = relative(top, root);
  const projectDir = join(hostDir, 'project');
  const scanDir = join(hostDir, 'work-tree');
  symlinkSync(root, projectDir);
  symlinkSync(top, scanDir);
  return { projectDir, scanDir, scanCwd: below === '' ? ROOM.case : `${ROOM.case}/${below}` };
}

/**
 * The folder that keeps rooms out, when root starts them: they have a user of their own then, who is in no group.
 * @param root absolute, without links
 */
export function closedFolder(root: string): string | undefined {
  if (!isOpen(root, OTHERS_READ | OTHERS_ENTER)) return root;
  for (let folder = dirname(root); folder !== dirname(folder); folder = dirname(folder)) {
    if (!isOpen(folder, OTHERS_ENTER)) return folder;
  }
  return undefined;
}

const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

function isOpen(folder: string, bits: number): boolean {
  return (statSync(folder).mode & bits) === bits;
}

/** The nearest folder with a `.git`, which ends the search for ignore files; the root itself without one. */
function workTreeTop(root: string): string {
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder;
    if (folder === dirname(folder)) return root;
  }
}
