/** A log in memory for tests, hashed by node:crypto and not by the code under test. */
import { createHash } from 'node:crypto';
import { parseSigningKey, privateKeyPem } from '../../src/signing/ed25519.ts';
import { type LogKey, type LogSigner, signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { encodeEntry } from '../../src/tlog/entry.ts';
import { encodeProof } from '../../src/tlog/proof.ts';
import type { FetchTile } from '../../src/tlog/tile-reader.ts';
import { encodeEntries, newTiles, type Tile, tilePath } from '../../src/tlog/tiles.ts';
import { inclusionProof, type ReadNode, rootHash, type TreeHead } from '../../src/tlog/tree.ts';

const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** Digest that stands for the `n`-th bundle. */
export const bundle = (n: number): string => createHash('sha256').update(String(n)).digest('hex');

export interface MemoryLog {
  readonly read: ReadNode;
  /** Bytes of a tile that a tree of any size up to the log's has. */
  readonly tile: (tile: Tile) => Uint8Array;
  readonly fetchTile: FetchTile;
  readonly head: (size: number) => Promise<TreeHead>;
}

/** @param bundles digests in log order; by default those of `bundle(0)`, `bundle(1)`, … */
export function memoryLog(
  size: number,
  bundles = Array.from({ length: size }, (_, n) => bundle(n)),
): MemoryLog {
  const rows = [bundles.map((one) => sha256(Uint8Array.of(0), encodeEntry(one)))];
  for (let row = rows[0] ?? []; row.length > 1; ) {
    row = Array.from({ length: Math.floor(row.length / 2) }, (_, at) =>
      sha256(Uint8Array.of(1), row[2 * at] ?? new Uint8Array(), row[2 * at + 1] ?? new Uint8Array()),
    );
    rows.push(row);
  }
  const read: ReadNode = async (level, index) => {
    const hash = rows[level]?.[index];
    if (hash === undefined) throw new Error(`no node ${level}/${index}`);
    return hash;
  };
  const tile = ({ level, index, width }: Tile): Uint8Array => {
    const [from, to] = [index * 256, index * 256 + width];
    if (level === 'entries') return encodeEntries(bundles.slice(from, to).map(encodeEntry));
    return Buffer.concat((rows[level * 8] ?? []).slice(from, to));
  };
  return {
    read,
    tile,
    fetchTile: async (one) => tile(one),
    head: async (at) => ({ size: at, root: await rootHash(at, read) }),
  };
}

/** Every file of a log of that size, by path below its prefix, its checkpoint included. */
export async function logFiles(
  log: MemoryLog,
  size: number,
  signer: LogSigner,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const one of newTiles(0, size)) files.set(tilePath(one), log.tile(one));
  const checkpoint = await signCheckpoint(await log.head(size), signer);
  return files.set('checkpoint', new TextEncoder().encode(checkpoint));
}

export async function logSigner(
  fill = 5,
  origin = 'example.com/log',
): Promise<{ readonly signer: LogSigner; readonly logKey: LogKey }> {
  const key = await parseSigningKey(privateKeyPem(new Uint8Array(32).fill(fill)));
  if (key === null) throw new Error('no key');
  return { signer: { origin, key }, logKey: { origin, key: key.publicKey } };
}

export async function proofText(
  log: MemoryLog,
  index: number,
  size: number,
  signer: LogSigner,
): Promise<string> {
  const checkpoint = await signCheckpoint(await log.head(size), signer);
  return encodeProof({ index, checkpoint, hashes: await inclusionProof(index, size, log.read) });
}
