/** What lies where files are to be written. Only looks. */
import { readFile } from 'node:fs/promises';

export interface ToWrite {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Paths where something else is: other content, a folder, what cannot be read, a file in place of a folder on the way. */
export async function filesInTheWay(wanted: readonly ToWrite[]): Promise<string[]> {
  const found: string[] = [];
  for (const { path, bytes } of wanted) {
    try {
      if (!(await readFile(path)).equals(bytes)) found.push(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') found.push(path);
    }
  }
  return found;
}
