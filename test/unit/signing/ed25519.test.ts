import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseSigningKey,
  privateKeyPem,
  type SigningKey,
  verifySignature,
} from '../../../src/signing/ed25519.ts';
import { fromLittleEndian, L, littleEndian } from '../../support/ed25519/curve.ts';
import { edges, equations } from '../../support/ed25519/edges.ts';
import { ed25519Suite } from '../../support/ed25519/suite.ts';

const RUNS = { numRuns: 25 };
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const messages = fc.uint8Array({ maxLength: 300 });

ed25519Suite();

test('the edges are what they say they are', () => {
  const known = edges().filter((edge) => edge.holds !== undefined);
  expect(known.length).toBe(20);
  for (const edge of known) {
    const plain = edge.holds?.equation === 'plain';
    expect({ name: edge.name, ...equations(edge) }).toEqual({ name: edge.name, plain, cofactored: true });
  }
});

describe('properties', () => {
  test('what is signed is verified, by its own key and for its own message alone', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, seeds, messages, messages, async (seed, otherSeed, message, other) => {
        const key = await keyFrom(seed);
        const signature = key.sign(message);
        expect(await verifySignature(key.publicKey, message, signature)).toBe(true);
        const sameMessage = Buffer.from(message).equals(other);
        expect(await verifySignature(key.publicKey, other, signature)).toBe(sameMessage);
        const sameKey = Buffer.from(seed).equals(otherSeed);
        const { publicKey } = await keyFrom(otherSeed);
        expect(await verifySignature(publicKey, message, signature)).toBe(sameKey);
      }),
      RUNS,
    );
  });

  test('the same key and message give the same signature', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, messages, async (seed, message) => {
        const [one, two] = [await keyFrom(seed), await keyFrom(seed)];
        expect(Buffer.from(one.sign(message)).equals(two.sign(message))).toBe(true);
      }),
      RUNS,
    );
  });

  test('a flipped bit of signature, message or key is refused', async () => {
    const someMessage = fc.uint8Array({ minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(seeds, someMessage, fc.nat(), async (seed, message, at) => {
        const { publicKey, sign } = await keyFrom(seed);
        const signature = sign(message);
        expect(await verifySignature(publicKey, message, flipped(signature, at))).toBe(false);
        expect(await verifySignature(publicKey, flipped(message, at), signature)).toBe(false);
        const otherKey = { ...publicKey, bytes: flipped(publicKey.bytes, at) };
        expect(await verifySignature(otherKey, message, signature)).toBe(false);
      }),
      RUNS,
    );
  });

  test('the order added to S is refused, as is any length but 64', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, messages, fc.integer({ min: 1, max: 14 }), async (seed, message, times) => {
        const { publicKey, sign } = await keyFrom(seed);
        const signature = sign(message);
        const s = fromLittleEndian(signature.subarray(32)) + BigInt(times) * L;
        const again = Uint8Array.from([...signature.subarray(0, 32), ...littleEndian(s)]);
        expect(await verifySignature(publicKey, message, again)).toBe(false);
        expect(await verifySignature(publicKey, message, signature.subarray(0, 64 - times))).toBe(false);
        const longer = Uint8Array.from([...signature, ...new Uint8Array(times)]);
        expect(await verifySignature(publicKey, message, longer)).toBe(false);
      }),
      RUNS,
    );
  });

  test('any 32 and 64 bytes are answered, and with no', async () => {
    const signatures = fc.uint8Array({ minLength: 64, maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(seeds, messages, signatures, async (bytes, message, signature) => {
        expect(await verifySignature({ bytes, keyId: '' }, message, signature)).toBe(false);
      }),
      RUNS,
    );
  });
});

async function keyFrom(seed: Uint8Array): Promise<SigningKey> {
  const key = await parseSigningKey(privateKeyPem(seed));
  if (key === null) throw new Error('no key');
  return key;
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  const at = bit % (bytes.length * 8);
  copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7));
  return copy;
}
