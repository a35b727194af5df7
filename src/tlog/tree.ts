/**
 * The Merkle tree of RFC 6962: root, inclusion and consistency proofs, and their verification. Pure. Nodes
 * come from a reader, wherever they are kept. Both sides follow the recursive definition of the RFC, so that
 * a proof has exactly one form: as many hashes as the definition gives, in its order.
 */
import { sameBytes } from '../signing/bytes.ts';
import { emptyRoot, HASH_BYTES, nodeHash } from './hash.ts';

/** Far above any log of ours, and every sum and product of indexes stays an exact number. */
export const MAX_TREE_SIZE = 2 ** 48;

/**
 * Hash of the complete subtree over entries `[index * 2^level, (index + 1) * 2^level)`. Asked only for
 * subtrees that lie inside the tree.
 */
export type ReadNode = (level: number, index: number) => Promise<Uint8Array>;

/** What a checkpoint says of a tree. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

export function rootHash(size: number, read: ReadNode): Promise<Uint8Array> {
  return size === 0 ? emptyRoot() : rangeHash(0, size, read);
}

/** @returns sibling hashes from the leaf's up to the root's child; `index < size` */
export async function inclusionProof(index: number, size: number, read: ReadNode): Promise<Uint8Array[]> {
  if (!isSize(size) || !isSize(index) || index >= size) throw new RangeError('index is outside the tree');
  const path = async (lo: number, hi: number): Promise<Uint8Array[]> => {
    if (hi - lo === 1) return [];
    const middle = lo + split(hi - lo);
    return index < middle
      ? [...(await path(lo, middle)), await rangeHash(middle, hi, read)]
      : [...(await path(middle, hi)), await rangeHash(lo, middle, read)];
  };
  return path(0, size);
}

/** @returns the proof that the tree of `newSize` begins with the tree of `oldSize`; empty for equal or empty ones */
export async function consistencyProof(
  oldSize: number,
  newSize: number,
  read: ReadNode,
): Promise<Uint8Array[]> {
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize) {
    throw new RangeError('the old tree is not smaller');
  }
  if (oldSize === 0) return [];
  const prove = async (lo: number, hi: number, whole: boolean): Promise<Uint8Array[]> => {
    if (oldSize === hi) return whole ? [] : [await rangeHash(lo, hi, read)];
    const middle = lo + split(hi - lo);
    return oldSize <= middle
      ? [...(await prove(lo, middle, whole)), await rangeHash(middle, hi, read)]
      : [...(await prove(middle, hi, false)), await rangeHash(lo, middle, read)];
  };
  return prove(0, newSize, true);
}

export async function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  { size, root }: TreeHead,
  proof: readonly Uint8Array[],
): Promise<boolean> {
  if (!isSize(size) || !isSize(index) || index >= size || !areHashes([leaf, root, ...proof])) return false;
  const computed = await rootFrom(leaf, index, size, proof);
  return computed !== null && sameBytes(computed, root);
}

export async function verifyConsistency(
  older: TreeHead,
  newer: TreeHead,
  proof: readonly Uint8Array[],
): Promise<boolean> {
  if (!isSize(older.size) || !isSize(newer.size) || older.size > newer.size) return false;
  if (!areHashes([older.root, newer.root, ...proof])) return false;
  if (older.size === newer.size) return proof.length === 0 && sameBytes(older.root, newer.root);
  // Every tree begins with the empty one.
  if (older.size === 0) return proof.length === 0 && sameBytes(older.root, await emptyRoot());
  const roots = await rootsFrom(older, newer.size, proof);
  return roots !== null && sameBytes(roots.older, older.root) && sameBytes(roots.newer, newer.root);
}

/** `null` when the proof has not as many hashes as a path to that leaf. */
async function rootFrom(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Promise<Uint8Array | null> {
  if (size === 1) return proof.length === 0 ? leaf : null;
  const last = proof.at(-1);
  if (last === undefined) return null;
  const middle = split(size);
  const isLeft = index < middle;
  const below = await (isLeft
    ? rootFrom(leaf, index, middle, proof.slice(0, -1))
    : rootFrom(leaf, index - middle, size - middle, proof.slice(0, -1)));
  if (below === null) return null;
  return isLeft ? nodeHash(below, last) : nodeHash(last, below);
}

interface Roots {
  readonly older: Uint8Array;
  readonly newer: Uint8Array;
}

/** Both roots as the proof gives them; `null` when it has the wrong number of hashes. */
async function rootsFrom(
  older: TreeHead,
  newSize: number,
  proof: readonly Uint8Array[],
): Promise<Roots | null> {
  const follow = async (
    oldSize: number,
    size: number,
    whole: boolean,
    hashes: readonly Uint8Array[],
  ): Promise<Roots | null> => {
    const last = hashes.at(-1);
    if (oldSize === size) {
      const [own] = whole ? [older.root] : hashes;
      return own === undefined || hashes.length !== (whole ? 0 : 1) ? null : { older: own, newer: own };
    }
    if (last === undefined) return null;
    const middle = split(size);
    const rest = hashes.slice(0, -1);
    if (oldSize <= middle) {
      const left = await follow(oldSize, middle, whole, rest);
      return left && { older: left.older, newer: await nodeHash(left.newer, last) };
    }
    const right = await follow(oldSize - middle, size - middle, false, rest);
    return right && { older: await nodeHash(last, right.older), newer: await nodeHash(last, right.newer) };
  };
  return follow(older.size, newSize, true, proof);
}

/** Hash over entries `[lo, hi)`, one of the ranges that splitting a tree gives. */
async function rangeHash(lo: number, hi: number, read: ReadNode): Promise<Uint8Array> {
  const width = hi - lo;
  const level = Math.round(Math.log2(width));
  if (2 ** level === width) return read(level, lo / width);
  const middle = lo + split(width);
  return nodeHash(await rangeHash(lo, middle, read), await rangeHash(middle, hi, read));
}

/** The largest power of two below `size`, which is at least 2. */
function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.length === HASH_BYTES);
}

function isSize(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_TREE_SIZE;
}
