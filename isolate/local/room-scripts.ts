/** What runs inside an isolate, read from its files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RoomScripts } from '../bundle.ts';

export function roomScripts(): RoomScripts {
  const read = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8');
  return {
    harness: read('../room/harness.mjs'),
    answer: read('../../container/room/answer.cjs'),
    fileSystem: read('../room/file-system.mjs'),
    fs: read('../room/fs.mjs'),
    fsPromises: read('../room/fs-promises.mjs'),
  };
}
