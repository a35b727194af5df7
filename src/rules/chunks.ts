/**
 * Which cases go into the next sandbox call. A call is bounded in bytes and number here and in time by
 * the host, which starts no case that could not end within its total and names the ones it left; those
 * come again. So fast cases need one call however many they are, and no call outlives its deadline.
 */
import { byteLength } from '../schema/path.ts';
import type { RuleCase } from '../schema/request.ts';

/** The host takes 64; fewer keep an answer well below its size limit. */
export const MAX_CHUNK_CASES = 50;
/** Below the host's 8 MiB body limit with room for the rule. */
export const MAX_CHUNK_BYTES = 6 * 1024 * 1024;

/** @param pending indexes into `cases`; the first of them is always taken */
export function nextChunk(cases: readonly RuleCase[], pending: readonly number[]): number[] {
  const chunk: number[] = [];
  let bytes = 0;
  for (const index of pending) {
    const one = cases[index];
    if (one === undefined) throw new RangeError(`there is no case ${index}`);
    bytes += caseBytes(one);
    if (chunk.length > 0 && (chunk.length >= MAX_CHUNK_CASES || bytes > MAX_CHUNK_BYTES)) break;
    chunk.push(index);
  }
  return chunk;
}

/** As JSON text, which is how it travels: escapes can make it six times as long. */
function caseBytes(one: RuleCase): number {
  return byteLength(JSON.stringify(one.files));
}
