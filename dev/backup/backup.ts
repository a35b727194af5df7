/**
 * Copies both stores. The order makes it whole while the service works: the database first, since what a row names
 * is written before the row; then the objects; then the log's checkpoint, which is as new as any proof among them;
 * then what the checkpoint stands for.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestOf, type Entry, each, FORMAT, type Manifest, paths } from './format.ts';
import { CHECKPOINT, isWithin, LOG_PREFIX, sizeOf } from './log-part.ts';
import type { Bucket, Stores } from './stores.ts';

/** @param directory empty, or made */
export async function backup(stores: Stores, directory: string, now: Date): Promise<Manifest> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length > 0) throw new Error(`${directory} is not empty`);
  const at = paths(directory);
  stores.exportDatabase(at.database);
  const copier = new Copier(stores.bucket, directory);
  await copier.copy((key) => !key.startsWith(LOG_PREFIX));
  const checkpoint = await copier.copyOne(CHECKPOINT);
  const logEntries = checkpoint === null ? null : sizeOf(new TextDecoder().decode(checkpoint));
  if (logEntries !== null) {
    const inTree = (key: string, bytes: Uint8Array) =>
      isWithin(key, logEntries, () => new TextDecoder().decode(bytes));
    await copier.copy((key) => key.startsWith(LOG_PREFIX) && key !== CHECKPOINT, inTree);
  }
  const entries = copier.entries.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const index = entries.map((one) => `${JSON.stringify(one)}\n`).join('');
  await writeFile(at.index, index, { mode: 0o600 });
  const manifest: Manifest = {
    format: FORMAT,
    createdAt: now.toISOString(),
    database: { sha256: digestOf(await readFile(at.database)) },
    objects: {
      sha256: digestOf(index),
      count: entries.length,
      bytes: entries.reduce((sum, one) => sum + one.bytes, 0),
    },
    logEntries,
  };
  await writeFile(at.manifest, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
}

class Copier {
  readonly entries: Entry[] = [];
  readonly #bucket: Bucket;
  readonly #object: (digest: string) => string;

  constructor(bucket: Bucket, directory: string) {
    this.#bucket = bucket;
    this.#object = paths(directory).object;
  }

  async copy(
    wanted: (key: string) => boolean,
    keep: (key: string, bytes: Uint8Array) => boolean = () => true,
  ): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#bucket.list({ ...(cursor === undefined ? {} : { cursor }) });
      const names = page.objects.map((one) => one.key).filter(wanted);
      await each(names, async (key) => void (await this.copyOne(key, keep)));
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
  }

  /** `null` when there is none any more: it was deleted meanwhile. */
  async copyOne(
    key: string,
    keep: (key: string, bytes: Uint8Array) => boolean = () => true,
  ): Promise<Uint8Array | null> {
    const object = await this.#bucket.get(key);
    if (object === null) return null;
    const bytes = new Uint8Array(await object.arrayBuffer());
    if (!keep(key, bytes)) return bytes;
    const sha256 = digestOf(bytes);
    const file = this.#object(sha256);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, bytes, { mode: 0o600 });
    this.entries.push({ key, sha256, bytes: bytes.length });
    return bytes;
  }
}
