/** Strict base64 (RFC 4648 §4, padded). One byte string has exactly one accepted text. */
import { BASE64 } from '../schema/encoding.ts';

/** `String.fromCharCode` takes its bytes as arguments; engines limit how many. */
const BLOCK_BYTES = 8_192;

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(at, at + BLOCK_BYTES));
  }
  return btoa(binary);
}

/** `null` when `text` is not canonical base64, unused bits included. */
export function fromBase64(text: string): Uint8Array | null {
  if (!BASE64.test(text)) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}
