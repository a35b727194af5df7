/** Writes files that a service named: never outside the directory, never over files that differ. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from './exit.ts';
import { filesInTheWay, type ToWrite } from './files-in-the-way.ts';

/** @throws UsageError BAD_ANSWER for a path that escapes, FILE_EXISTS for a file that differs */
export async function writeTree(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const path of Object.keys(files)) {
    if (escapes(path))
      throw new UsageError(
        'BAD_ANSWER',
        `the service sent a file path that escapes: ${JSON.stringify(path)}`,
      );
  }
  const wanted = Object.entries(files).map(([path, text]) => ({
    path: join(directory, path),
    bytes: Buffer.from(text),
  }));
  // All before any is written: half a tree in another is worse than none.
  await refuseOthers(wanted);
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

async function refuseOthers(wanted: readonly ToWrite[]): Promise<void> {
  const [first] = await filesInTheWay(wanted);
  if (first !== undefined) throw exists(`${first} exists and differs`);
}

async function writeNew({ path, bytes }: ToWrite): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, bytes, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await refuseOthers([{ path, bytes }]);
  }
}

function exists(message: string): UsageError {
  return new UsageError('FILE_EXISTS', message, 'remove it or choose another directory');
}
