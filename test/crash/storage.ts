/** What a stopped local stack left on disk, read past all of our code: the tables of D1, the objects of R2. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Storage {
  rows<T>(sql: string, ...values: string[]): T[];
  /** `null`: there is none. */
  object(key: string): Uint8Array | null;
  /** Keys that start so. */
  keys(prefix: string): string[];
  close(): void;
}

export function openStorage(stateDirectory: string): Storage {
  const root = join(stateDirectory, 'storage', 'v3');
  const d1 = openOnly(join(root, 'd1', '*'));
  const r2 = openOnly(join(root, 'r2', '*'));
  return {
    rows: <T>(sql: string, ...values: string[]) => d1.prepare(sql).all(...values) as T[],
    object: (key) => {
      const row = r2.prepare('SELECT blob_id FROM _mf_objects WHERE key = ?').get(key);
      if (row === undefined) return null;
      return new Uint8Array(readFileSync(join(root, 'r2', 'assay-objects', 'blobs', String(row.blob_id))));
    },
    keys: (prefix) =>
      r2
        .prepare('SELECT key FROM _mf_objects WHERE substr(key, 1, ?) = ? ORDER BY key')
        .all(prefix.length, prefix)
        .map((row) => String(row.key)),
    close: () => {
      d1.close();
      r2.close();
    },
  };
}

function openOnly(folder: string): DatabaseSync {
  const files = globSync(join(folder, '*.sqlite')).filter((file) => !file.endsWith('metadata.sqlite'));
  if (files.length !== 1) throw new Error(`expected one database below ${folder}, found ${files.length}`);
  return new DatabaseSync(files[0] ?? '', { readOnly: true });
}
