/**
 * Repository-relative file paths as they appear in requests, rules and findings.
 * Refuses anything that could leave its root or mean different files on different systems.
 */
import { z } from 'zod';

/** As the verification host has it: a request it would refuse must not be accepted here. */
const MAX_PATH_BYTES = 255;
const MAX_DEPTH = 16;

/** Why `path` is not a plain relative POSIX path, or `null` when it is one. */
export function pathProblem(path: string): string | null {
  if (path.length === 0) return 'is empty';
  if (byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  if (path.startsWith('/')) return 'is absolute';
  if (path.includes('\\')) return 'contains a backslash';
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(path)) return 'contains a control character';
  if (!path.isWellFormed()) return 'is not valid Unicode';
  const segments = path.split('/');
  if (segments.length > MAX_DEPTH) return `is deeper than ${MAX_DEPTH} folders`;
  for (const segment of segments) {
    if (segment === '') return 'contains an empty segment';
    if (segment === '.' || segment === '..') return `contains "${segment}"`;
    // As an object key it would set a prototype and vanish.
    if (segment === '__proto__') return 'contains "__proto__"';
  }
  return null;
}

/** The first path that is both a file and a folder in `paths`, or `null`. */
export function fileFolderClash(paths: readonly string[]): string | null {
  const files = new Set(paths);
  for (const path of paths) {
    const segments = path.split('/');
    for (let depth = 1; depth < segments.length; depth += 1) {
      const folder = segments.slice(0, depth).join('/');
      if (files.has(folder)) return folder;
    }
  }
  return null;
}

export const relativePath = z.string().superRefine((path, context) => {
  const problem = pathProblem(path);
  if (problem !== null) {
    context.addIssue({ code: 'custom', message: `path ${JSON.stringify(path)} ${problem}` });
  }
});

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

/** A record would drop this key without a word, and what is verified would not be what was sent. */
export const withoutProto = z
  .custom<Record<string, unknown>>(
    (value) => !(typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__')),
    'a file cannot be named "__proto__"',
  )
  .meta({ type: 'object', description: 'text by path', additionalProperties: { type: 'string' } });
