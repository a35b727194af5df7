/**
 * The one rule for paths that cross the host's border in either direction: plain, relative, POSIX.
 * Case files are written below a fresh directory by these names, so a path that escapes is refused
 * here and nowhere repaired.
 */
import { MAX_PATH_BYTES, MAX_PATH_DEPTH } from './limits.ts';

const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\\]/;

/** Why `path` is not a plain relative path, or undefined when it is. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  if (!path.isWellFormed()) return 'is not well-formed Unicode';
  if (FORBIDDEN.test(path)) return 'has a control character or a backslash';
  if (path.startsWith('/')) return 'is absolute';
  const segments = path.split('/');
  if (segments.length > MAX_PATH_DEPTH) return `is deeper than ${MAX_PATH_DEPTH} folders`;
  for (const segment of segments) {
    if (segment === '') return 'has an empty segment';
    // As an object key `__proto__` would set a prototype and vanish at the other side.
    if (segment === '.' || segment === '..' || segment === '__proto__') return `has a "${segment}" segment`;
  }
  return undefined;
}

/** A path that is both a file and a folder of another file, or undefined. */
export function folderClash(paths: Iterable<string>): string | undefined {
  const files = new Set(paths);
  for (const path of files) {
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
      const folder = path.slice(0, cut);
      if (files.has(folder)) return folder;
    }
  }
  return undefined;
}
