/** The PATHs of the command line, as the scan takes them: relative to the project, and inside it. */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { UsageError } from '../exit.ts';

/**
 * @returns empty when the whole project is asked for
 * @throws UsageError BAD_PATH
 */
export async function projectPaths(root: string, paths: readonly string[]): Promise<string[]> {
  const inside: string[] = [];
  for (const path of paths) {
    const absolute = await withoutLinks(resolve(path));
    if (absolute === null) throw new UsageError('BAD_PATH', `${path} does not exist`);
    const below = relative(root, absolute);
    if (below === '') return [];
    if (below === '..' || below.startsWith(`..${sep}`)) {
      throw new UsageError('BAD_PATH', `${path} is not inside the project ${root}`);
    }
    inside.push(below);
  }
  return [...new Set(inside)];
}

/** Of the folders on the way; a link itself stays what it is. */
async function withoutLinks(path: string): Promise<string | null> {
  try {
    await lstat(path);
    return path === dirname(path) ? path : join(await realpath(dirname(path)), basename(path));
  } catch {
    return null;
  }
}
