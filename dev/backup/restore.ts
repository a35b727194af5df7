/**
 * Puts a backup into empty stores. Everything is verified before anything is written. Objects come first, the log's
 * checkpoint after all others, and the database last: an interrupted restore is begun again and finds its objects.
 */
import { readFile } from 'node:fs/promises';
import { digestOf, type Entry, each, entrySchema, type Manifest, manifestSchema, paths } from './format.ts';
import { CHECKPOINT } from './log-part.ts';
import type { Bucket, Stores } from './stores.ts';

/** @throws Error when the backup is not whole, or the stores have other content */
export async function restore(stores: Stores, directory: string): Promise<Manifest> {
  const { manifest, entries } = await readBackup(directory);
  const tables = await stores.tables();
  if (tables.length > 0) {
    throw new Error(`the database is not empty: it has ${tables.length} tables; restore into a new one`);
  }
  const { bucket } = stores;
  await refuseOthers(bucket, new Map(entries.map((one) => [one.key, one.sha256])));
  const at = paths(directory);
  const put = async ({ key, sha256 }: Entry): Promise<void> => {
    await bucket.put(key, await readFile(at.object(sha256)));
  };
  await each(
    entries.filter((one) => one.key !== CHECKPOINT),
    put,
  );
  await each(
    entries.filter((one) => one.key === CHECKPOINT),
    put,
  );
  stores.importDatabase(at.database);
  return manifest;
}

async function readBackup(directory: string): Promise<{ manifest: Manifest; entries: Entry[] }> {
  const at = paths(directory);
  const text = await readFile(at.manifest, 'utf8').catch(() => null);
  if (text === null)
    throw new Error(`${directory} has no manifest.json: it is no backup, or not a whole one`);
  const manifest = manifestSchema.parse(JSON.parse(text));
  const index = await readFile(at.index, 'utf8');
  const entries = index
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => entrySchema.parse(JSON.parse(line)));
  same('objects.jsonl', digestOf(index), manifest.objects.sha256);
  same('database.sql', digestOf(await readFile(at.database)), manifest.database.sha256);
  await each(entries, async ({ key, sha256 }) =>
    same(key, digestOf(await readFile(at.object(sha256))), sha256),
  );
  return { manifest, entries };
}

function same(what: string, found: string, expected: string): void {
  if (found !== expected)
    throw new Error(`${what} of the backup was changed: it is ${found}, not ${expected}`);
}

/** What an interrupted restore has put there may be there. */
async function refuseOthers(bucket: Bucket, expected: ReadonlyMap<string, string>): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ ...(cursor === undefined ? {} : { cursor }) });
    await each(page.objects, async ({ key }) => {
      const object = await bucket.get(key);
      if (object === null) return;
      if (digestOf(new Uint8Array(await object.arrayBuffer())) === expected.get(key)) return;
      throw new Error(`the bucket is not empty: ${key} is not of this backup; restore into a new one`);
    });
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
}
