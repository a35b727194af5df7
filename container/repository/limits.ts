/**
 * What a rule may use on a whole repository, where a case has `../limits.ts`. The walls are the same; only
 * what they measure is larger, because a repository has thousands of files where a case has five.
 */
import { availableParallelism } from 'node:os';
import { CHECK_HEAP_MIB, CHECK_ROOM, MAX_CPU_SECONDS, type RoomLimits } from '../limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** ast-grep scans with as many threads as it likes; it has no other program to start. */
export const SCAN_ROOM: RoomLimits = {
  cpuSeconds: MAX_CPU_SECONDS,
  dataBytes: 4096 * MIB,
  processes: 16 + 4 * availableParallelism(),
  openFiles: 1024,
  fileBytes: 0,
  tmpBytes: MIB,
};
/** A scan takes seconds; one that takes this long will not end. */
export const SCAN_TIMEOUT_MS = 15 * 60_000;
/** One match as ast-grep writes it, which holds its text up to five times. */
export const MAX_LINE_BYTES = 16 * MIB;
/** What one rule's matches may take as JSON: the check has to hold them all. */
export const MAX_RULE_MATCH_BYTES = 64 * MIB;
/** All rules together, in the private directory. */
export const MAX_SPOOL_BYTES = 2048 * MIB;
/** Kept of what ast-grep says of itself when it fails. */
export const MAX_SCAN_WORDS_BYTES = 16 * KIB;
/** Files named that could not be scanned, for each reason. */
export const MAX_NAMED_FILES = 20;

/** Room for the matches above, as text and as objects. */
export const CHECK_HEAP_IN_REPOSITORY_MIB = 1024;
export function checkRoom(timeoutMs: number): RoomLimits {
  return {
    ...CHECK_ROOM,
    // CPU time runs out after the wall clock: several threads may work, garbage collection among them.
    cpuSeconds: Math.min(MAX_CPU_SECONDS, 2 + 4 * Math.ceil(timeoutMs / 1000)),
    dataBytes: CHECK_ROOM.dataBytes + (CHECK_HEAP_IN_REPOSITORY_MIB - CHECK_HEAP_MIB) * MIB,
    openFiles: 1024,
    tmpBytes: 64 * MIB,
  };
}

/** Findings of one rule that are read; a rule with more reports everything and nothing. */
export const MAX_RULE_FINDINGS = 50_000;
/** The result channel of one check. */
export const MAX_RULE_RESULT_BYTES = 32 * MIB;
export const MAX_RULE_FINDINGS_CHARS = 16 * MIB;
export const MAX_REPOSITORY_PATH_BYTES = 4096;

/** Sources given to one stripper. */
export const MAX_STRIPPED_TOGETHER = 50;
