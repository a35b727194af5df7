/** RFC 6962 hashing (SHA-256): leaves and inner nodes under different prefixes, so that neither passes for the other. */

import { joinBytes } from '../signing/bytes.ts';

export const HASH_BYTES = 32;
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

export function leafHash(entry: Uint8Array): Promise<Uint8Array> {
  return sha256(Uint8Array.of(LEAF_PREFIX), entry);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Uint8Array> {
  return sha256(Uint8Array.of(NODE_PREFIX), left, right);
}

/** Root of the tree without entries: the digest of nothing. */
export function emptyRoot(): Promise<Uint8Array> {
  return sha256();
}

export async function sha256(...parts: Uint8Array[]): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', joinBytes(...parts)));
}
