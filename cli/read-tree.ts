/**
 * Reads a directory into memory: regular files only, exact bytes by POSIX path. Links, pipes, devices and
 * other special files are refused rather than followed or waited for, so that what was read is what is
 * there. Everything is counted before it is kept.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../src/errors.ts';
import { UsageError } from './exit.ts';

const MAX_ENTRIES = 50_000;
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;
/** Neither follows a link nor waits for a pipe's writer that took a file's place since we looked. */
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * @param skip paths that are as good as absent; a skipped directory is not entered
 * @throws UsageError NOT_A_DIRECTORY | UNREADABLE_TREE, with the path
 */
export async function readTree(
  directory: string,
  skip: (path: string) => boolean = () => false,
): Promise<Map<string, Uint8Array>> {
  const root = await lstat(directory).catch(() => null);
  if (root === null || !root.isDirectory()) {
    throw new UsageError('NOT_A_DIRECTORY', `${directory} is not a directory`);
  }
  try {
    return await readAll(directory, skip);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError('UNREADABLE_TREE', `${directory} cannot be read: ${messageOf(error)}`);
  }
}

async function readAll(directory: string, skip: (path: string) => boolean): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let entries = 0;
  let bytes = 0;
  const visit = async (folder: string): Promise<void> => {
    const names: string[] = [];
    for await (const { name } of await opendir(join(directory, folder))) {
      entries += 1;
      if (entries > MAX_ENTRIES) throw tooLarge(directory);
      names.push(name);
    }
    for (const name of names.sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (skip(path)) continue;
      const stats = await lstat(join(directory, path)).catch((error: unknown) => {
        throw name.includes('\ufffd') ? unreadable(directory, path, 'has a name that is not UTF-8') : error;
      });
      if (stats.isDirectory()) await visit(path);
      else if (!stats.isFile()) throw unreadable(directory, path, 'is a link or a special file');
      else {
        bytes += stats.size;
        if (bytes > MAX_TOTAL_BYTES) throw tooLarge(directory);
        files.set(path, await readOne(directory, path, stats.size));
      }
    }
  };
  await visit('');
  return files;
}

/** Exactly the size that was counted, and only of a regular file. */
async function readOne(directory: string, path: string, size: number): Promise<Uint8Array> {
  const handle = await open(join(directory, path), READ_ONLY);
  try {
    if (!(await handle.stat()).isFile()) throw unreadable(directory, path, 'is a link or a special file');
    const buffer = Buffer.alloc(size + 1);
    const length = await fill(handle, buffer);
    if (length !== size) throw unreadable(directory, path, 'changed while it was read');
    return buffer.subarray(0, size);
  } finally {
    await handle.close();
  }
}

async function fill(handle: FileHandle, buffer: Buffer): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

/** @throws UsageError UNREADABLE_TREE when a file is not UTF-8 text */
export function asText(files: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  // Without a prototype, so that `__proto__` is a path like any other until somebody judges it.
  const texts: Record<string, string> = Object.create(null);
  for (const [path, bytes] of files) {
    try {
      texts[path] = decoder.decode(bytes);
    } catch {
      throw new UsageError('UNREADABLE_TREE', `${path} is not UTF-8 text; cases hold text files only`);
    }
  }
  return texts;
}

function unreadable(directory: string, path: string, problem: string): UsageError {
  return new UsageError('UNREADABLE_TREE', `${join(directory, path)} ${problem}`);
}

function tooLarge(directory: string): UsageError {
  return new UsageError(
    'UNREADABLE_TREE',
    `${directory} is too large for a rule directory: more than ${MAX_ENTRIES} entries or ${MAX_TOTAL_BYTES} bytes`,
  );
}
