/** Writes files that a service named: never outside the directory, never over files that differ. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from './exit.ts';

/** @throws UsageError BAD_ANSWER for a path that escapes, FILE_EXISTS for a file that differs */
export async function writeTree(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const path of Object.keys(files)) {
    if (escapes(path))
      throw new UsageError(
        'BAD_ANSWER',
        `the service sent a file path that escapes: ${JSON.stringify(path)}`,
      );
  }
  const wanted = Object.entries(files).map(([path, text]) => ({ path: join(directory, path), text }));
  // All before any is written: half a tree in another is worse than none.
  for (const one of wanted) await refuseOther(one);
  for (const one of wanted) await writeNew(one);
}

/** @throws UsageError FILE_EXISTS when there is anything in it */
export async function refuseTaken(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') return [directory];
    throw error;
  });
  if (names.length > 0) throw exists(`${directory} exists`);
}

/** Longer than a case's own path by the folders of the layout, so only what could escape is refused. */
export function escapes(path: string): boolean {
  return (
    path.startsWith('/') ||
    path.includes('\\') ||
    path.includes('\0') ||
    path.split('/').some((part) => part === '' || part === '.' || part === '..')
  );
}

interface Wanted {
  readonly path: string;
  readonly text: string;
}

async function refuseOther({ path, text }: Wanted): Promise<void> {
  const there = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (there !== null && there !== text) throw exists(`${path} exists and differs`);
}

async function writeNew({ path, text }: Wanted): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await refuseOther({ path, text });
  }
}

function exists(message: string): UsageError {
  return new UsageError('FILE_EXISTS', message, 'remove it or choose another directory');
}
