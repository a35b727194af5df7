/**
 * Slow, plain arithmetic of edwards25519 (RFC 8032 §5.1), to make signatures that no library makes: with
 * points of small or mixed order, scalars out of range, encodings that are not canonical. Tests only:
 * nothing here is constant-time.
 */
import { sha512 } from '@noble/hashes/sha2.js';

export const P = 2n ** 255n - 19n;
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverseOf(121666n));
const SQRT_MINUS_1 = power(2n, (P - 1n) / 4n);

/** Affine coordinates. */
export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

export const IDENTITY: Point = { x: 0n, y: 1n };
export const BASE: Point = pointAt(mod(4n * inverseOf(5n)), 0n);
/** Of order 8: generates all points of small order. */
export const TORSION: Point = smallOrderGenerator();

export function mod(value: bigint, modulus = P): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

export function add(a: Point, b: Point): Point {
  const twist = mod(D * mod(a.x * b.x) * mod(a.y * b.y));
  // One inversion for both denominators, 1 + twist and 1 - twist.
  const inverse = inverseOf(1n - twist * twist);
  const x = mod(mod((a.x * b.y + a.y * b.x) * (1n - twist)) * inverse);
  const y = mod(mod((a.y * b.y + a.x * b.x) * (1n + twist)) * inverse);
  return { x, y };
}

export function multiply(point: Point, scalar: bigint): Point {
  let result = IDENTITY;
  let double = point;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = add(result, double);
    double = add(double, double);
  }
  return result;
}

export function encode({ x, y }: Point): Uint8Array {
  return littleEndian(y | ((x & 1n) << 255n));
}

export function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

export function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** k = SHA-512(R ‖ A ‖ M), as a verifier computes it from the bytes it was given. */
export function challenge(r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint {
  return mod(fromLittleEndian(sha512(Uint8Array.from([...r, ...a, ...message]))), L);
}

/** Whether some x belongs to this y. */
export function isOnCurve(y: bigint): boolean {
  return rootOf(y) !== null;
}

function pointAt(y: bigint, sign: bigint): Point {
  const x = rootOf(y);
  if (x === null) throw new RangeError('no point has this y');
  return { x: (x & 1n) === sign ? x : mod(-x), y };
}

/** x with x² = (y² − 1) / (d y² + 1). */
function rootOf(y: bigint): bigint | null {
  const square = mod((y * y - 1n) * inverseOf(D * y * y + 1n));
  const root = power(square, (P + 3n) / 8n);
  if (mod(root * root) === square) return root;
  const other = mod(root * SQRT_MINUS_1);
  return mod(other * other) === square ? other : null;
}

/** The order of the whole group is 8 L: L times any point has small order, and most of them order 8. */
function smallOrderGenerator(): Point {
  for (let y = 2n; ; y += 1n) {
    if (!isOnCurve(y)) continue;
    const point = multiply(pointAt(y, 0n), L);
    if (multiply(point, 4n).y !== 1n) return point;
  }
}

/** Euclid's algorithm: several times as fast here as raising to p - 2. */
function inverseOf(value: bigint): bigint {
  let [rest, divisor] = [P, mod(value)];
  let [before, factor] = [0n, 1n];
  while (divisor > 1n) {
    const times = rest / divisor;
    [rest, divisor] = [divisor, rest - times * divisor];
    [before, factor] = [factor, before - times * factor];
  }
  return mod(factor);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}
