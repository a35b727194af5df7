/**
 * A uid of its own for every room. Not one per slot: the kernel counts RLIMIT_NPROC per uid, and the
 * threads of a room that has just died may still be counted when the next one starts (node then hangs
 * while booting), so consecutive rooms never share one.
 */
import { randomInt } from 'node:crypto';

interface Range {
  readonly first: number;
  readonly count: number;
  /** Hosts on one machine start at different places, so that they seldom share uids either. */
  next: number;
}

/** Below 65534, which file systems use for "nobody". */
const ROOMS = range(61_000, 4_000);
/** Apart from the others: whatever has the uid of such a room is killed with it. */
const SWEPT_ROOMS = range(60_001, 900);

const taken = new Set<number>();

/** @param swept true for a room that is ended by its uid, having no namespace to be ended by */
export function takeUid(own: boolean, swept = false): { readonly value: number; release(): void } {
  if (!own) return { value: process.getuid?.() ?? ROOMS.first, release() {} };
  const from = swept ? SWEPT_ROOMS : ROOMS;
  for (let tries = 0; tries < from.count; tries += 1) {
    const value = from.first + from.next;
    from.next = (from.next + 1) % from.count;
    if (taken.has(value)) continue;
    taken.add(value);
    return { value, release: () => void taken.delete(value) };
  }
  throw new Error('no free uid for a room');
}

function range(first: number, count: number): Range {
  return { first, count, next: randomInt(count) };
}
