/**
 * Files that are there whole or not at all: written beside their place, flushed, then put there in one
 * step. A new file never takes the place of one that exists.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UsageError } from './exit.ts';

/**
 * The bytes of a regular file; of a larger one than `maxBytes`, one byte more than that. `null`: not there.
 * @throws UsageError UNREADABLE_FILE
 */
export async function readUpTo(path: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new Error('it is no regular file');
    if (stats.size <= maxBytes) return new Uint8Array(await readFile(path));
    const handle = await open(path, 'r');
    try {
      const buffer = new Uint8Array(maxBytes + 1);
      await handle.read(buffer);
      return buffer;
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new UsageError('UNREADABLE_FILE', `${path} cannot be read: ${message}`);
  }
}

export async function replaceFile(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  const aside = await writeAside(path, bytes, mode);
  await rename(aside, path).catch(async (error: unknown) => {
    await rm(aside, { force: true });
    throw error;
  });
}

/** @throws UsageError FILE_EXISTS */
export async function writeNewFile(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  const aside = await writeAside(path, bytes, mode);
  try {
    await link(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new UsageError('FILE_EXISTS', `${path} exists already, and is not written over`);
  } finally {
    await rm(aside, { force: true });
  }
}

async function writeAside(path: string, bytes: Uint8Array, mode: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const aside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const handle = await open(aside, 'wx', mode);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return aside;
}
