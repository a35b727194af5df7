/**
 * Everything that a local stack has stored, read from its files: the digest of every table of every database in
 * it, which is D1, the index of R2, the log's Durable Object, and the engine of Workflows with its instances.
 */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Written by reading, to the hour. */
const NOTED = 'last_used_at';
/** The local platform's own: what it counts, logs and schedules. */
const PLATFORM = /^(observability|ratelimit|cache)\/|metadata\.sqlite/;
const PLATFORM_TABLES = new Set(['_cf_METADATA', '_cf_ALARM']);

/** Digests by database and table. A copy is read, so that the stack is not disturbed. */
export async function storedState(storage: string): Promise<Record<string, string>> {
  const scratch = await mkdtemp(join(tmpdir(), 'assay-state-'));
  try {
    await cp(storage, scratch, { recursive: true });
    const files = await readdir(scratch, { recursive: true });
    const state: Record<string, string> = {};
    for (const file of files.filter((one) => one.endsWith('.sqlite')).sort()) {
      if (PLATFORM.test(shortName(file))) continue;
      const database = new DatabaseSync(join(scratch, file));
      for (const [table, digest] of tablesOf(database)) state[`${shortName(file)} ${table}`] = digest;
      database.close();
    }
    return state;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function tablesOf(database: DatabaseSync): [string, string][] {
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  const names = tables.map(({ name }) => String(name)).filter((name) => !PLATFORM_TABLES.has(name));
  return names.flatMap((name): [string, string][] => {
    const rows = database.prepare(`SELECT * FROM "${name}"`).all();
    // Asking for an instance that is not there leaves a database with nothing in it.
    if (rows.length === 0) return [];
    const lines = rows.map((row) => JSON.stringify({ ...row, [NOTED]: null }, readable)).sort();
    const digest = createHash('sha256').update(lines.join('\n')).digest('hex');
    return [[name, `${rows.length} rows ${digest.slice(0, 16)}`]];
  });
}

function readable(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

function shortName(file: string): string {
  const [, kind = ''] = file.split(/[\\/]/);
  return `${kind}/${basename(file).slice(0, 15)}`;
}
