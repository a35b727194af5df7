/**
 * How the ledger grows: by new bundles, or by published entries it has lost. Hashes are computed, and what
 * comes from outside is compared with the signed root, before a row is written.
 */
import { Fault } from '../../errors.ts';
import { sameBytes } from '../../signing/bytes.ts';
import { encodeEntry, parseEntry } from '../entry.ts';
import { leafHash, nodeHash } from '../hash.ts';
import { openTree, TileProblem } from '../tile-reader.ts';
import { decodeEntries, TILE_WIDTH, tileAt } from '../tiles.ts';
import { type ReadNode, rootHash, type TreeHead } from '../tree.ts';
import type { Ledger, Node } from './ledger.ts';
import { logKeys } from './objects.ts';
import { tilesOf } from './reader.ts';

/** Gives bundles that are not in the ledger the next places. */
export async function appendToLedger(ledger: Ledger, bundles: readonly string[]): Promise<void> {
  const from = ledger.size();
  const nodes: Node[] = [];
  let first = from;
  let row = await Promise.all(bundles.map((bundle) => leafHash(encodeEntry(bundle))));
  for (let level = 0; row.length > 0; level += 1) {
    nodes.push(...row.map((hash, at) => ({ level, index: first + at, hash })));
    const isRight = first % 2 === 1;
    row = await pairs(isRight ? [await ledger.read(level, first - 1), ...row] : row);
    first = Math.floor(first / 2);
  }
  await ledger.append(from, bundles, nodes);
}

/** One node for every two; a last one without a neighbour has no node yet. */
function pairs(row: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const nodes: Promise<Uint8Array>[] = [];
  for (let at = 0; at + 1 < row.length; at += 2) {
    const [left, right] = row.slice(at, at + 2);
    if (left !== undefined && right !== undefined) nodes.push(nodeHash(left, right));
  }
  return Promise.all(nodes);
}

/**
 * Reads published entries back into a ledger that is behind the published tree.
 * @throws Fault LOG_INCONSISTENT, before anything is written, when they are not that tree or the ledger is not its beginning
 */
export async function restoreLedger(ledger: Ledger, bucket: R2Bucket, head: TreeHead): Promise<void> {
  const read = await openTree(head, tilesOf(bucket)).catch((error: unknown) => {
    throw error instanceof TileProblem ? new Fault('LOG_INCONSISTENT', error.message) : error;
  });
  const size = ledger.size();
  if (!sameBytes(await rootHash(size, read), await rootHash(size, ledger.read))) {
    throw new Fault('LOG_INCONSISTENT', 'the published tree does not begin with the one on record');
  }
  while (ledger.size() < head.size) {
    await appendToLedger(ledger, await missingBundles(ledger.size(), head.size, bucket, read));
  }
}

/** The rest of the entry bundle that entry `from` is in. */
async function missingBundles(
  from: number,
  size: number,
  bucket: R2Bucket,
  read: ReadNode,
): Promise<string[]> {
  const tile = tileAt(size, 'entries', Math.floor(from / TILE_WIDTH));
  const object = tile && (await bucket.get(logKeys.tile(tile)));
  const entries = tile && object && decodeEntries(new Uint8Array(await object.arrayBuffer()), tile.width);
  const bundles: string[] = [];
  for (const [at, entry] of (entries ?? []).slice(from % TILE_WIDTH).entries()) {
    const bundle = parseEntry(entry);
    if (bundle !== null && sameBytes(await leafHash(entry), await read(0, from + at))) bundles.push(bundle);
  }
  if (!tile || bundles.length !== tile.width - (from % TILE_WIDTH)) {
    throw new Fault('LOG_INCONSISTENT', 'published entries are missing, or are not those of the tree');
  }
  return bundles;
}
