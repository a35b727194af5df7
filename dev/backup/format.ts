/**
 * A backup on disk: `database.sql`, `objects/<digest>` once for each content, `objects.jsonl` with every key and its
 * digest, and `manifest.json`, written last: without it there is no backup.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';

export const FORMAT = 'assay-backup/v1';

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

export const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  createdAt: z.string(),
  database: z.strictObject({ sha256: sha256Hex }),
  objects: z.strictObject({ sha256: sha256Hex, count: z.int(), bytes: z.int() }),
  /** Entries of the log that are in it; `null` without a log. */
  logEntries: z.int().nullable(),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const entrySchema = z.strictObject({ key: z.string(), sha256: sha256Hex, bytes: z.int() });
export type Entry = z.infer<typeof entrySchema>;

export const paths = (directory: string) => ({
  manifest: join(directory, 'manifest.json'),
  database: join(directory, 'database.sql'),
  index: join(directory, 'objects.jsonl'),
  object: (digest: string) => join(directory, 'objects', digest.slice(0, 2), digest),
});

export function digestOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Runs the work on every item, so many at once. */
export async function each<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atOnce = 16,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next; at < items.length; at = next) {
      next += 1;
      await work(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
