/**
 * Signatures on which Ed25519 verifiers are known to differ, with the answer ours must give: strict where
 * a second signature, or a key that fits many messages, could come of it. Computed, so that each is what its
 * name says; `holds` is the equation that `equations` must confirm of it.
 */
import {
  add,
  BASE,
  challenge,
  encode,
  fromLittleEndian,
  IDENTITY,
  isOnCurve,
  L,
  littleEndian,
  mod,
  multiply,
  P,
  type Point,
  TORSION,
} from './curve.ts';

export interface Edge {
  readonly name: string;
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly accepted: boolean;
  /** Key and R as points, and which equation they fulfil; absent where one of them is none, or S out of range. */
  readonly holds?: { readonly key: Point; readonly r: Point; readonly equation: 'plain' | 'cofactored' };
}

const SECRET = 0x1234567890abcdef1234567890abcdefn;
const NONCE = 0xfedcba0987654321fedcba0987654321n;
const KEY = multiply(BASE, SECRET);
const R = multiply(BASE, NONCE);
const [key, r] = [encode(KEY), encode(R)];

export function edges(): Edge[] {
  return [...mixedOrder(), ...smallOrder(), ...scalars(), ...encodings()];
}

/** `S B = R + k A`, and the same times 8, by plain arithmetic. */
export function equations({ key, message, signature, holds }: Edge): { plain: boolean; cofactored: boolean } {
  if (holds === undefined) return { plain: false, cofactored: false };
  const k = challenge(signature.subarray(0, 32), key, message);
  const left = multiply(BASE, fromLittleEndian(signature.subarray(32)));
  const right = add(holds.r, multiply(holds.key, k));
  const same = (a: Point, b: Point) => a.x === b.x && a.y === b.y;
  return { plain: same(left, right), cofactored: same(multiply(left, 8n), multiply(right, 8n)) };
}

/** The plain equation decides: what holds only after multiplying by 8 is refused. */
function mixedOrder(): Edge[] {
  const mixedKey = add(KEY, TORSION);
  const mixedR = add(R, TORSION);
  const timesEight = messageWhere(encode(mixedKey), 0n);
  const notTimesEight = messageWhere(encode(mixedKey), 1n);
  return [
    made('honest', KEY, R, timesEight, 'plain', true),
    made('key of mixed order, plain equation holds', mixedKey, R, timesEight, 'plain', true),
    made('key of mixed order, cofactored equation only', mixedKey, R, notTimesEight, 'cofactored'),
    made('R of mixed order, cofactored equation only', KEY, mixedR, timesEight, 'cofactored'),
  ];
}

/** By such a key one signature fits every eighth message, or all; such an R says nothing of its maker. */
function smallOrder(): Edge[] {
  const message = Uint8Array.of(1);
  const found: Edge[] = [];
  for (let index = 0n; index < 8n; index += 1n) {
    const small = multiply(TORSION, index);
    const fits = messageWhere(encode(small), 0n);
    const holds = { key: small, r: R, equation: 'plain' } as const;
    const byKey = edge(`key of small order (${index} T)`, encode(small), fits, r, littleEndian(NONCE));
    found.push({ ...byKey, holds });
    const equation = index === 0n ? 'plain' : 'cofactored';
    found.push(made(`R of small order (${index} T)`, KEY, small, message, equation, false, 0n));
  }
  const neutral = encode(IDENTITY);
  found.push(edge('key and R neutral, S = 0', neutral, message, neutral, littleEndian(0n)));
  return found;
}

/** The same signature again, with a multiple of the order added to S. */
function scalars(): Edge[] {
  const message = Uint8Array.of(2);
  const neutral = encode(IDENTITY);
  const s = scalar(r, key, message);
  const found = [1n, 2n, 7n, 8n, 15n]
    .filter((times) => s + times * L < 2n ** 256n)
    .map((times) => edge(`S + ${times} L`, key, message, r, littleEndian(s + times * L)));
  return [
    ...found,
    edge('S = L, key and R neutral', neutral, message, neutral, littleEndian(L)),
    edge('S with its highest bit set', key, message, r, littleEndian(s | (1n << 255n))),
  ];
}

/** One point, one encoding: y below p, and no sign on x = 0. */
function encodings(): Edge[] {
  const message = Uint8Array.of(3);
  const found: Edge[] = [];
  const both = (what: string, bytes: Uint8Array): void => {
    found.push(edge(`key ${what}`, bytes, message, r, littleEndian(scalar(r, bytes, message))));
    const s = littleEndian(scalar(bytes, key, message, 0n));
    found.push(edge(`R ${what}`, key, message, bytes, s));
  };
  for (let y = 0n; y < 19n; y += 1n) {
    const point = isOnCurve(y) ? '' : ', no point';
    for (const sign of [0n, 1n]) {
      both(`with y = p + ${y}, sign ${sign}${point}`, littleEndian((y + P) | (sign << 255n)));
    }
  }
  both('with y = 1 and x = -0', littleEndian(1n | (1n << 255n)));
  both('with y = p - 1 and x = -0', littleEndian((P - 1n) | (1n << 255n)));
  let y = 3n;
  while (isOnCurve(y)) y += 1n;
  both('that is no point', littleEndian(y));
  return found;
}

/** Signed with the secret, whatever of small order was added to key or R. */
function made(
  name: string,
  keyPoint: Point,
  rPoint: Point,
  message: Uint8Array,
  equation: 'plain' | 'cofactored',
  accepted = false,
  nonce = NONCE,
): Edge {
  const [a, b] = [encode(keyPoint), encode(rPoint)];
  const s = littleEndian(scalar(b, a, message, nonce));
  const holds = { key: keyPoint, r: rPoint, equation };
  return { ...edge(name, a, message, b, s), accepted, holds };
}

function edge(name: string, key: Uint8Array, message: Uint8Array, r: Uint8Array, s: Uint8Array): Edge {
  return { name, key, message, signature: Uint8Array.from([...r, ...s]), accepted: false };
}

function scalar(r: Uint8Array, a: Uint8Array, message: Uint8Array, nonce = NONCE): bigint {
  return mod(nonce + challenge(r, a, message) * SECRET, L);
}

/** A message whose challenge, with the usual R, leaves this rest when divided by 8. */
function messageWhere(key: Uint8Array, rest: bigint): Uint8Array {
  for (let n = 0; n < 10_000; n += 1) {
    const message = Uint8Array.of(n & 0xff, n >> 8);
    if (challenge(r, key, message) % 8n === rest) return message;
  }
  throw new Error('no message found');
}
