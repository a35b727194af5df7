/**
 * C2SP tlog-tiles: which files a tree consists of, their names, and their bytes. Tiles are 256 wide; level 0
 * holds leaf hashes, each level above one hash per full tile below. Names have one form; any other is none.
 */
import { joinBytes } from '../signing/bytes.ts';
import { HASH_BYTES } from './hash.ts';
import { MAX_TREE_SIZE } from './tree.ts';

export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;
/** A length is a big-endian uint16. */
const LENGTH_BYTES = 2;
const MAX_ENTRY_BYTES = 0xffff;
const MAX_LEVEL = 63;

export interface Tile {
  /** `entries`: the entry bundle that hashes to the tile of level 0 with the same index. */
  readonly level: number | 'entries';
  readonly index: number;
  /** 1 to 255 for a partial tile, 256 for a full one. */
  readonly width: number;
}

/** For example `tile/0/x001/x234/067.p/8`, below the log's prefix. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const name = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
  return `tile/${level}/${name}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,4}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** `null` for anything that {@link tilePath} does not write. */
export function parseTilePath(path: string): Tile | null {
  const [, level = '', name = '', width] = PATH.exec(path) ?? [];
  const tile = {
    level: level === 'entries' ? ('entries' as const) : Number(level),
    index: Number(name.replace(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (typeof tile.level === 'number' && tile.level > MAX_LEVEL) return null;
  if (width !== undefined && tile.width >= TILE_WIDTH) return null;
  return level !== '' && tilePath(tile) === path ? tile : null;
}

/** How many hashes level `level` of the tree has. */
function levelCount(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** The tile with that index in a tree of `size`, partial or full; `null` when the tree has none there. */
export function tileAt(size: number, level: number | 'entries', index: number): Tile | null {
  const width = Math.min(TILE_WIDTH, levelCount(size, level === 'entries' ? 0 : level) - index * TILE_WIDTH);
  return width > 0 ? { level, index, width } : null;
}

/** Every tile and entry bundle that the tree of `newSize` has and that of `oldSize` had not. */
export function newTiles(oldSize: number, newSize: number): Tile[] {
  if (newSize > MAX_TREE_SIZE || oldSize > newSize) throw new RangeError('not the size of a grown tree');
  const tiles: Tile[] = [];
  for (let level = 0; levelCount(newSize, level) > levelCount(oldSize, level); level += 1) {
    const first = Math.floor(levelCount(oldSize, level) / TILE_WIDTH);
    for (let index = first; index * TILE_WIDTH < levelCount(newSize, level); index += 1) {
      const tile = tileAt(newSize, level, index);
      if (tile === null) continue;
      tiles.push(tile);
      if (level === 0) tiles.push({ ...tile, level: 'entries' });
    }
  }
  return tiles;
}

/** `null` unless the bytes are exactly `width` hashes. Copies: `slice` of a Node Buffer would be a view. */
export function decodeTile(bytes: Uint8Array, width: number): Uint8Array[] | null {
  if (bytes.length !== width * HASH_BYTES) return null;
  const own = new Uint8Array(bytes);
  return Array.from({ length: width }, (_, at) => own.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return joinBytes(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES)
        throw new RangeError(`an entry has at most ${MAX_ENTRY_BYTES} bytes`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/** `null` unless the bytes are exactly `width` entries with their lengths. */
export function decodeEntries(bytes: Uint8Array, width: number): Uint8Array[] | null {
  const own = new Uint8Array(bytes);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < own.length) {
    const [high, low] = own.subarray(at, at + LENGTH_BYTES);
    if (high === undefined || low === undefined || entries.length === width) return null;
    const end = at + LENGTH_BYTES + high * 256 + low;
    if (end > own.length) return null;
    entries.push(own.slice(at + LENGTH_BYTES, end));
    at = end;
  }
  return entries.length === width ? entries : null;
}
