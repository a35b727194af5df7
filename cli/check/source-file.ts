/**
 * Lines of the project's files, for what is shown of a finding. Which file that is, a check decided: so no
 * link is followed on the way, and only regular files of a sensible size are read. Anything else has no lines.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MAX_SHOWN_FILE_BYTES = 4 * 1024 * 1024;

export class SourceFiles {
  readonly #root: string;
  #path: string | undefined;
  #lines: readonly string[] | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Undefined when it is no text file of the project. The last one is kept: findings come file by file. */
  lines(path: string): readonly string[] | undefined {
    if (path === this.#path) return this.#lines;
    this.#path = path;
    this.#lines = this.#read(path)?.split(/\r\n|\r|\n/);
    return this.#lines;
  }

  #read(path: string): string | undefined {
    let fd: number | undefined;
    try {
      const segments = path.split('/');
      for (let count = 1; count < segments.length; count += 1) {
        if (!lstatSync(join(this.#root, ...segments.slice(0, count))).isDirectory()) return undefined;
      }
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      fd = openSync(join(this.#root, path), flags);
      const stats = fstatSync(fd);
      if (!stats.isFile() || stats.size > MAX_SHOWN_FILE_BYTES) return undefined;
      return readFileSync(fd, 'utf8');
    } catch {
      return undefined;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }
}
