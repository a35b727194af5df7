/**
 * Nodes of a tree read from its tiles, wherever those are. Every hash it hands on is bound to the root it was
 * opened with: the tiles of the right edge by hashing to that root, every other tile by its parent. So a
 * store or server that answers with other bytes is found out, and never mistaken for a forked log.
 */
import { sameBytes } from '../signing/bytes.ts';
import { nodeHash } from './hash.ts';
import { decodeTile, TILE_HEIGHT, TILE_WIDTH, type Tile, tileAt } from './tiles.ts';
import { type ReadNode, rootHash, type TreeHead } from './tree.ts';

/** The bytes of a tile, or `null` when it cannot be had. May throw; then reading throws the same. */
export type FetchTile = (tile: Tile) => Promise<Uint8Array | null>;

/** A tile is missing, or is not one of this tree. Says nothing about the log's honesty. */
export class TileProblem extends Error {
  readonly reason: 'tile_missing' | 'tile_malformed' | 'tiles_do_not_fit';

  constructor(reason: TileProblem['reason'], message: string) {
    super(message);
    this.name = 'TileProblem';
    this.reason = reason;
  }
}

/**
 * @returns a reader of nodes of the tree with this head
 * @throws TileProblem when the right edge is missing or does not hash to the root; the reader throws it too
 */
export async function openTree(head: TreeHead, fetchTile: FetchTile): Promise<ReadNode> {
  const tiles = new Map<string, Promise<Uint8Array[]>>();
  const hashesOf = (level: number, index: number): Promise<Uint8Array[]> => {
    const name = `${level}/${index}`;
    const known = tiles.get(name) ?? load(level, index);
    tiles.set(name, known);
    return known;
  };

  const load = async (level: number, index: number): Promise<Uint8Array[]> => {
    const hashes = await fetchHashes(head.size, level, index, fetchTile);
    // A partial tile is on the right edge, which is compared with the root as a whole.
    if (hashes.length < TILE_WIDTH) return hashes;
    const parent = await hashesOf(level + 1, Math.floor(index / TILE_WIDTH));
    const above = parent[index % TILE_WIDTH];
    if (above === undefined || !sameBytes(await fold(hashes), above)) throw misfit(level, index);
    return hashes;
  };

  const read: ReadNode = async (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const width = 2 ** (level % TILE_HEIGHT);
    const first = index * width;
    const hashes = await hashesOf(tileLevel, Math.floor(first / TILE_WIDTH));
    const part = hashes.slice(first % TILE_WIDTH, (first % TILE_WIDTH) + width);
    if (part.length < width) throw new RangeError('there is no such node in this tree');
    return fold(part);
  };

  if (!sameBytes(await rootHash(head.size, read), head.root)) {
    throw new TileProblem('tiles_do_not_fit', `the tiles do not hash to the root of size ${head.size}`);
  }
  return read;
}

/** A log may drop a partial tile once the full one is there, of which it is the beginning. */
async function fetchHashes(
  size: number,
  level: number,
  index: number,
  fetchTile: FetchTile,
): Promise<Uint8Array[]> {
  const tile = tileAt(size, level, index);
  if (tile === null) throw new RangeError('there is no such tile in this tree');
  const exact = await fetchTile(tile);
  const isPartial = tile.width < TILE_WIDTH;
  const bytes = exact ?? (isPartial ? await fetchTile({ ...tile, width: TILE_WIDTH }) : null);
  if (bytes === null) {
    throw new TileProblem('tile_missing', `tile ${index} of level ${level} cannot be had`);
  }
  const hashes = decodeTile(bytes, exact === null ? TILE_WIDTH : tile.width);
  if (hashes === null) {
    throw new TileProblem('tile_malformed', `tile ${index} of level ${level} is ${bytes.length} bytes long`);
  }
  return hashes.slice(0, tile.width);
}

function misfit(level: number, index: number): TileProblem {
  return new TileProblem(
    'tiles_do_not_fit',
    `tile ${index} of level ${level} does not hash to the one above`,
  );
}

/** Root of a complete subtree; the number of hashes is a power of two. */
async function fold(hashes: readonly Uint8Array[]): Promise<Uint8Array> {
  const [left, right] = hashes;
  if (left === undefined) throw new RangeError('a subtree has a hash');
  if (right === undefined) return left;
  const middle = hashes.length / 2;
  return nodeHash(await fold(hashes.slice(0, middle)), await fold(hashes.slice(middle)));
}
