/** Ids made from time and randomness. Lower case, safe as Workflow, Durable Object and object-key names. */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;

/** `<prefix>-` and 26 characters: 48 bits of time, 80 of randomness, so that ids sort by creation. */
export function timeOrderedId(prefix: string, nowMs: number): string {
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_CHARS));
  return `${firstIdAt(prefix, nowMs)}${Array.from(random, (byte) => ALPHABET[byte % 32]).join('')}`;
}

/** What every id made at `nowMs` begins with; smaller than any made then or later. */
export function firstIdAt(prefix: string, nowMs: number): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < TIME_CHARS; i += 1) {
    time = (ALPHABET[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  return `${prefix}-${time}`;
}
