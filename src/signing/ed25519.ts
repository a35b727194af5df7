/**
 * Ed25519 keys and signatures: made by tweetnacl, verified by Web Crypto. Takes and gives plain bytes and
 * text; reads no environment, no clock and no file. Never puts key bytes into an error.
 */
import nacl from 'tweetnacl';
import { sha256Hex } from '../rules/digest.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { joinBytes } from './bytes.ts';

/** DER before the 32-byte seed of an Ed25519 PKCS#8 private key (RFC 8410). */
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);
/** DER before the 32-byte key of an Ed25519 SPKI public key (RFC 8410). */
const SPKI_PREFIX = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

export interface PublicKey {
  readonly bytes: Uint8Array;
  /** Base64 of SHA-256 over the SPKI DER: the hint in a bundle. Not authenticated by itself. */
  readonly keyId: string;
}

export interface SigningKey {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Uint8Array;
}

/** `null` when `text` is not an Ed25519 PKCS#8 private key in PEM or bare base64. */
export async function parseSigningKey(text: string): Promise<SigningKey | null> {
  const seed = derBody(text, 'PRIVATE KEY', PKCS8_PREFIX);
  if (seed === null) return null;
  const pair = nacl.sign.keyPair.fromSeed(seed);
  return {
    publicKey: await publicKeyOf(pair.publicKey),
    sign: (message) => nacl.sign.detached(message, pair.secretKey),
  };
}

/** `null` when `text` is not an Ed25519 SPKI public key in PEM or bare base64. */
export async function parsePublicKey(text: string): Promise<PublicKey | null> {
  const bytes = derBody(text, 'PUBLIC KEY', SPKI_PREFIX);
  return bytes === null ? null : publicKeyOf(bytes);
}

export function publicKeyPem(key: PublicKey): string {
  return pem('PUBLIC KEY', joinBytes(SPKI_PREFIX, key.bytes));
}

/** PKCS#8 PEM for a 32-byte seed. The caller supplies the randomness. */
export function privateKeyPem(seed: Uint8Array): string {
  if (seed.length !== KEY_BYTES) throw new RangeError(`an Ed25519 seed has ${KEY_BYTES} bytes`);
  return pem('PRIVATE KEY', joinBytes(PKCS8_PREFIX, seed));
}

/**
 * True only for a canonical signature by a canonical key that is not of small order. The platform's
 * Ed25519 does the arithmetic: tweetnacl's takes 21 to 28 ms on a cold start, this one 6 (measured).
 */
export async function verifySignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.bytes.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const r = signature.subarray(0, KEY_BYTES);
  if (!isBelow(signature.subarray(KEY_BYTES), GROUP_ORDER)) return false;
  if (!isCanonicalPoint(key.bytes) || !isCanonicalPoint(r)) return false;
  if (isSmallOrder(key.bytes) || isSmallOrder(r)) return false;
  try {
    const imported = await crypto.subtle.importKey('raw', own(key.bytes), 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', imported, own(signature), own(message));
  } catch {
    // Some platforms refuse to import bytes that are no point of the curve, others fail to verify with them.
    return false;
  }
}

/** A copy: Web Crypto takes no memory that might be shared, and `slice` of a Node Buffer is a view. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** The group order L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
const GROUP_ORDER = Uint8Array.from([
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
]);

/** The field's prime p = 2^255 - 19, little-endian. */
const FIELD_PRIME = Uint8Array.from([0xed, ...Array<number>(30).fill(0xff), 0x7f]);

/** A point has one encoding: its y is below p. The sign bit is not part of y. */
function isCanonicalPoint(point: Uint8Array): boolean {
  const y = own(point);
  y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] ?? 0) & 0x7f;
  return isBelow(y, FIELD_PRIME);
}

/** Little-endian. An S that is not below the order would be a second signature of the same message. */
function isBelow(number: Uint8Array, bound: Uint8Array): boolean {
  for (let i = KEY_BYTES - 1; i >= 0; i -= 1) {
    const [a, b] = [number[i] ?? 0, bound[i] ?? 0];
    if (a !== b) return a < b;
  }
  return false;
}

/** y-coordinates of the eight points of small order, sign bit cleared. */
const SMALL_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

function isSmallOrder(point: Uint8Array): boolean {
  const hex = Array.from(point, (byte, index) =>
    (index === KEY_BYTES - 1 ? byte & 0x7f : byte).toString(16).padStart(2, '0'),
  );
  return SMALL_ORDER_Y.has(hex.join(''));
}

async function publicKeyOf(bytes: Uint8Array): Promise<PublicKey> {
  const digest = await sha256Hex(joinBytes(SPKI_PREFIX, bytes));
  return {
    bytes,
    keyId: toBase64(Uint8Array.from(digest.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))),
  };
}

function derBody(text: string, label: string, prefix: Uint8Array): Uint8Array | null {
  const body =
    new RegExp(`^\\s*-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----\\s*$`).exec(
      text,
    )?.[1] ?? text;
  const der = fromBase64(body.replace(/\s+/g, ''));
  if (der === null || der.length !== prefix.length + KEY_BYTES) return null;
  if (!prefix.every((byte, index) => der[index] === byte)) return null;
  return der.slice(prefix.length);
}

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${toBase64(der)}\n-----END ${label}-----\n`;
}
