/** Ids: time-ordered, lower case, safe as Workflow, Durable Object and object-key names. */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;
const TOKEN_BYTES = 32;

/** `<prefix>-` and 26 characters: 48 bits of time, 80 of randomness, so that ids sort by creation. */
export function newId(prefix: 'gen' | 'tok' | 'whs', nowMs: number): string {
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_CHARS));
  return `${prefix}-${timePart(nowMs)}${Array.from(random, (byte) => ALPHABET[byte % 32]).join('')}`;
}

/** The smallest id of a generation made at `nowMs` or later: times become ranges of the primary key. */
export function firstGenerationIdAt(nowMs: number): string {
  return `gen-${timePart(nowMs)}`;
}

/** 256 random bits. The prefix is for people and for scanners that look for leaked secrets. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  const text = btoa(String.fromCharCode(...bytes));
  return `assay_${text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

function timePart(nowMs: number): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < TIME_CHARS; i += 1) {
    time = (ALPHABET[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  return time;
}
