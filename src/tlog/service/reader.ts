/**
 * The published log, read from R2: what anyone may fetch, and proofs made from it. Needs no key but the
 * log's public one, and not the object that writes the log.
 */
import { Fault } from '../../errors.ts';
import { type LogKey, openCheckpoint } from '../checkpoint.ts';
import { encodeProof } from '../proof.ts';
import { type FetchTile, openTree, TileProblem } from '../tile-reader.ts';
import type { Tile } from '../tiles.ts';
import { inclusionProof } from '../tree.ts';
import { logKeys } from './objects.ts';

export function tilesOf(bucket: R2Bucket): FetchTile {
  return (tile) => readTile(bucket, tile);
}

/** The published checkpoint as it is, or `null` before there is one. */
export async function readCheckpoint(bucket: R2Bucket): Promise<Uint8Array<ArrayBuffer> | null> {
  return readObject(bucket, logKeys.checkpoint);
}

export function readTile(bucket: R2Bucket, tile: Tile): Promise<Uint8Array<ArrayBuffer> | null> {
  return readObject(bucket, logKeys.tile(tile));
}

/**
 * The proof of a bundle in the published tree; `null` when it is not in it.
 * @throws Fault LOG_INCONSISTENT when what is published does not fit together
 */
export async function makeProof(
  bucket: R2Bucket,
  bundleSha256: string,
  logKey: LogKey,
): Promise<string | null> {
  const place = await readObject(bucket, logKeys.index(bundleSha256));
  const note = place && (await readCheckpoint(bucket));
  if (!place || !note) return null;
  const opened = await openCheckpoint(note, logKey);
  if (!opened.ok) throw new Fault('LOG_INCONSISTENT', `the published checkpoint: ${opened.message}`);
  const index = Number(new TextDecoder().decode(place));
  // Its tiles may be there already, but no checkpoint vouches for it yet.
  if (index >= opened.head.size) return null;
  try {
    const read = await openTree(opened.head, tilesOf(bucket));
    const hashes = await inclusionProof(index, opened.head.size, read);
    return encodeProof({ index, hashes, checkpoint: new TextDecoder().decode(note) });
  } catch (error) {
    throw error instanceof TileProblem ? new Fault('LOG_INCONSISTENT', error.message) : error;
  }
}

async function readObject(bucket: R2Bucket, key: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const object = await bucket.get(key);
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
}
