/** The tree against numbers made by another program, another implementation, and every way to be wrong. */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEntry } from '../../../src/tlog/entry.ts';
import { emptyRoot, leafHash, nodeHash } from '../../../src/tlog/hash.ts';
import {
  consistencyProof,
  inclusionProof,
  rootHash,
  verifyConsistency,
  verifyInclusion,
} from '../../../src/tlog/tree.ts';
import { bundle, memoryLog } from '../../support/tlog.ts';

const MOST = 2_100;
const log = memoryLog(MOST);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const leafOf = (index: number) => leafHash(encodeEntry(bundle(index)));

/** Sizes near powers of two and tile boundaries as often as any others. */
const size = fc.oneof(
  fc.integer({ min: 1, max: MOST }),
  fc.constantFrom(1, 2, 3, 4, 255, 256, 257, 511, 512, 513, 1_023, 1_024, 1_025, 2_047, 2_048, 2_049),
);
const runs = { numRuns: 150 };

/** Root hashes of the log whose n-th entry names SHA-256 of n in decimal; computed by a program of a few lines of Python. */
const ROOTS: readonly [number, string][] = [
  [0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [1, '6b153584791796a27cf3ed1d92f2ba19675c4f34dba61dab86055ca722945d91'],
  [2, 'df2b5cad7c02c4a6e6d91b169a51e831c8561a1eea3cbf536c0c32db614f2224'],
  [3, '9f96f831fbb51e12687a5b20c11e7b33bb8432e2084127f9e8ef1acff2a1ee9e'],
  [4, '432a77bf08c51ed7d61cd7600facf118e341ee04a946e24a0e191b47edc456bd'],
  [5, '84fe17e6268eef6b2cd0e7946842fc8f600beb920bbbb7883641950751fc7342'],
  [6, '77664d2f2d98560a27678c290fadbb0c2379de7256d74f5d68f968d156048816'],
  [7, 'b62d894f9a4952c4e5723938e62229b8fdd3fae490899067a2e15bd4890f4674'],
  [8, 'b5cc84ea6ef7cb2cc62c188d36496dac99ca52ecce6e5c37ec75034e594b098c'],
  [255, '4cf8aebfb4f6fa5b62c49f4eede7621d1278258782946d91b1acef7945cf3896'],
  [256, '0ccc466e8f341ed18f54051a6055cdcabbb009f2af6023ad9a0b18850ce3aff4'],
  [257, '0f9695cec005c1799d0ad261c3df471cdfb9b768e8277a261a9241fe115c01e1'],
  [1_000, 'd3c9af315ede7ab40a4cd2c5ce8d801a542e74c0953f56884a46fef1c5b84609'],
];

test.each(ROOTS)('the root of size %i', async (at, root) => {
  expect(hex(await rootHash(at, log.read))).toBe(root);
});

test('a leaf never has the hash of a node', async () => {
  const [left, right] = [await leafOf(0), await leafOf(1)];
  const joined = new Uint8Array([...left, ...right]);
  expect(hex(await leafHash(joined))).not.toBe(hex(await nodeHash(left, right)));
});

describe('inclusion', () => {
  test('of every entry, at any size', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), async (of, seed) => {
        const index = seed % of;
        const proof = await inclusionProof(index, of, log.read);
        expect(await verifyInclusion(await leafOf(index), index, await log.head(of), proof)).toBe(true);
      }),
      runs,
    );
  });

  test('is refused for another index, size, root, leaf, or any other proof', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.nat(), async (of, seed, other) => {
        const index = seed % of;
        const head = await log.head(of);
        const leaf = await leafOf(index);
        const proof = await inclusionProof(index, of, log.read);
        const holds = (at: number, theHead = head, hash = leaf, hashes: readonly Uint8Array[] = proof) =>
          verifyInclusion(hash, at, theHead, hashes);
        const elsewhere = other % (of + 2);
        if (elsewhere !== index) expect(await holds(elsewhere)).toBe(false);
        const otherRoot = await log.head((other % MOST) + 1);
        if (otherRoot.size !== of) expect(await holds(index, { ...otherRoot, size: of })).toBe(false);
        if (otherRoot.size !== of) expect(await holds(index, otherRoot)).toBe(false);
        expect(await holds(index, head, await leafOf(index + 1))).toBe(false);
        expect(await holds(index, head, leaf, [...proof, leaf])).toBe(false);
        expect(await holds(index, head, leaf, [leaf, ...proof])).toBe(false);
        if (proof.length === 0) return;
        expect(await holds(index, head, leaf, proof.slice(1))).toBe(false);
        expect(await holds(index, head, leaf, proof.slice(0, -1))).toBe(false);
        expect(await holds(index, head, leaf, flipped(proof, other))).toBe(false);
      }),
      runs,
    );
  });

  test('is what another implementation accepts', async () => {
    const require = createRequire(import.meta.url);
    const { verifyMerkleInclusion } = require('@sigstore/verify/dist/tlog/merkle.js');
    const accepts = (index: number, of: number, hashes: Uint8Array[], root: Uint8Array): boolean => {
      const entry = {
        canonicalizedBody: Buffer.from(encodeEntry(bundle(index))),
        inclusionProof: { logIndex: String(index), hashes: hashes.map((hash) => Buffer.from(hash)) },
      };
      try {
        verifyMerkleInclusion(entry, { logSize: BigInt(of), logHash: Buffer.from(root) });
        return true;
      } catch {
        return false;
      }
    };
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), async (of, seed) => {
        const index = seed % of;
        const { root } = await log.head(of);
        const proof = await inclusionProof(index, of, log.read);
        expect(accepts(index, of, proof, root)).toBe(true);
        expect(accepts(index, of, [...proof, root], root)).toBe(false);
      }),
      runs,
    );
  });
});

describe('consistency', () => {
  test('of any two sizes of one log', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, async (a, b) => {
        const [older, newer] = [Math.min(a, b), Math.max(a, b)];
        const proof = await consistencyProof(older, newer, log.read);
        expect(await verifyConsistency(await log.head(older), await log.head(newer), proof)).toBe(true);
      }),
      runs,
    );
  });

  test('is refused for other sizes, other roots, any other proof, and backwards', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, fc.nat(), async (a, b, other) => {
        fc.pre(a !== b);
        const [older, newer] = [await log.head(Math.min(a, b)), await log.head(Math.max(a, b))];
        const proof = await consistencyProof(older.size, newer.size, log.read);
        const root = await leafOf(other % MOST);
        expect(await verifyConsistency({ ...older, root }, newer, proof)).toBe(false);
        expect(await verifyConsistency(older, { ...newer, root }, proof)).toBe(false);
        expect(await verifyConsistency(newer, older, proof)).toBe(false);
        expect(await verifyConsistency({ ...older, size: older.size + 1 }, newer, proof)).toBe(false);
        expect(await verifyConsistency(older, newer, [...proof, root])).toBe(false);
        expect(await verifyConsistency(older, newer, [root, ...proof])).toBe(false);
        if (proof.length === 0) return;
        expect(await verifyConsistency(older, newer, proof.slice(0, -1))).toBe(false);
        expect(await verifyConsistency(older, newer, proof.slice(1))).toBe(false);
        expect(await verifyConsistency(older, newer, flipped(proof, other))).toBe(false);
      }),
      runs,
    );
  });

  test('is refused for a log in which one earlier entry is another', async () => {
    const others = Array.from({ length: 400 }, (_, n) => bundle(n === 17 ? 9_999 : n));
    const forked = memoryLog(400, others);
    const [older, newer] = [await log.head(300), await forked.head(400)];
    const proof = await consistencyProof(300, 400, forked.read);
    expect(await verifyConsistency(older, newer, proof)).toBe(false);
    expect(await verifyConsistency(older, newer, await consistencyProof(300, 400, log.read))).toBe(false);
  });

  test('every tree begins with the empty one, and with itself', async () => {
    const empty = { size: 0, root: await emptyRoot() };
    const head = await log.head(5);
    expect(await verifyConsistency(empty, head, [])).toBe(true);
    expect(await verifyConsistency(head, head, [])).toBe(true);
    expect(await verifyConsistency({ ...empty, root: head.root }, head, [])).toBe(false);
    expect(await verifyConsistency(head, { ...head, root: empty.root }, [])).toBe(false);
    expect(await verifyConsistency(head, head, [head.root])).toBe(false);
  });
});

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('%d is no size or index', async (bad) => {
  const { root } = await log.head(1);
  expect(await verifyInclusion(root, bad, { size: 1, root }, [])).toBe(false);
  expect(await verifyInclusion(root, 0, { size: bad, root }, [])).toBe(false);
  expect(await verifyConsistency({ size: bad, root }, { size: bad, root }, [])).toBe(false);
});

test('hashes of another length are refused wherever they stand', async () => {
  const none = new Uint8Array();
  expect(await verifyInclusion(none, 0, { size: 1, root: none }, [])).toBe(false);
  expect(await verifyConsistency({ size: 1, root: none }, { size: 1, root: none }, [])).toBe(false);
});

/** One bit of one hash changed. */
function flipped(proof: readonly Uint8Array[], seed: number): Uint8Array[] {
  const [at, byte, bit] = [seed % proof.length, seed % 32, seed % 8];
  return proof.map((hash, index) => {
    if (index !== at) return hash;
    const copy = hash.slice();
    copy[byte] = (copy[byte] ?? 0) ^ (1 << bit);
    return copy;
  });
}
