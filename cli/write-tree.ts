/** Writes files that a service named: never outside the directory, never over files that differ. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
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
  for (const [path, text] of Object.entries(files)) await writeNew(join(directory, path), text);
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

async function writeNew(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if ((await readFile(path, 'utf8')) === text) return;
    throw new UsageError(
      'FILE_EXISTS',
      `${path} exists and differs`,
      'remove it or choose another directory',
    );
  }
}
