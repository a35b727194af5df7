/**
 * A uid of its own for every room. Not one per slot: the kernel counts RLIMIT_NPROC per uid, and the
 * threads of a room that has just died may still be counted when the next one starts (node then hangs
 * while booting), so consecutive rooms never share one.
 */
import { randomInt } from 'node:crypto';

const FIRST_UID = 61_000;
/** Below 65534, which file systems use for "nobody". */
const UIDS = 4_000;

const taken = new Set<number>();
// Hosts on one machine start at different places, so that they seldom share uids either.
let next = randomInt(UIDS);

export function takeUid(own: boolean): { readonly value: number; release(): void } {
  if (!own) return { value: process.getuid?.() ?? FIRST_UID, release() {} };
  for (let tries = 0; tries < UIDS; tries += 1) {
    const value = FIRST_UID + next;
    next = (next + 1) % UIDS;
    if (taken.has(value)) continue;
    taken.add(value);
    return { value, release: () => void taken.delete(value) };
  }
  throw new Error('no free uid for a room');
}
