/**
 * Which host answered: a digest over its own sources, or the id baked into the image. It is what a
 * caller compares to decide whether it talks to the host it expects.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const BAKED_ID_FILE = '/assay/build-id';

export function buildId(sourceDir: string): string {
  try {
    const baked = readFileSync(BAKED_ID_FILE, 'utf8').trim();
    if (/^[\w.:@-]{8,128}$/.test(baked)) return baked;
  } catch {
    // Not in an image.
  }
  return sourceDigest(sourceDir);
}

export function sourceDigest(sourceDir: string): string {
  const files = readdirSync(sourceDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(sourceDir, join(entry.parentPath, entry.name)))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = readFileSync(join(sourceDir, file));
    // Name and length first, so that no two different trees hash the same bytes.
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return `sha256:${hash.digest('hex')}`;
}
