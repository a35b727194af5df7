/**
 * Reads a directory into memory: regular files only, exact bytes by POSIX path. Links and special files
 * are refused rather than followed, so that what was read is what is there.
 */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from './exit.ts';

const MAX_FILES = 50_000;
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;

/** @throws UsageError NOT_A_DIRECTORY | UNREADABLE_TREE */
export async function readTree(directory: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const root = await lstat(directory).catch(() => null);
  if (root === null || !root.isDirectory()) {
    throw new UsageError('NOT_A_DIRECTORY', `${directory} is not a directory`);
  }
  let bytes = 0;
  const visit = async (relative: string): Promise<void> => {
    for (const name of (await readdir(join(directory, relative))).sort()) {
      const path = relative === '' ? name : `${relative}/${name}`;
      const stats = await lstat(join(directory, path));
      if (stats.isDirectory()) await visit(path);
      else if (stats.isFile()) {
        bytes += stats.size;
        if (files.size >= MAX_FILES || bytes > MAX_TOTAL_BYTES) {
          throw new UsageError('UNREADABLE_TREE', `${directory} is too large for a rule directory`);
        }
        files.set(path, await readFile(join(directory, path)));
      } else {
        throw new UsageError('UNREADABLE_TREE', `${join(directory, path)} is a link or a special file`);
      }
    }
  };
  try {
    await visit('');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError('UNREADABLE_TREE', `${directory} cannot be read: ${(error as Error).message}`);
  }
  return files;
}

/** @throws UsageError UNREADABLE_TREE when a file is not UTF-8 text */
export function asText(files: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const texts: Record<string, string> = {};
  for (const [path, bytes] of files) {
    try {
      texts[path] = decoder.decode(bytes);
    } catch {
      throw new UsageError('UNREADABLE_TREE', `${path} is not UTF-8 text; cases hold text files only`);
    }
  }
  return texts;
}
