/**
 * Every bound of the verification host in one place, units in the names. What a number protects is
 * said beside it; measured facts are for Node 24 on x64.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Cases in one request. At 10 s each on two slots far more could not run within the host's total. */
export const MAX_CASES = 64;
export const MAX_FILES_PER_CASE = 200;
export const MAX_FILE_BYTES = MIB;
export const MAX_CAPTURES = 32;
/** The file system's limit for one name, so that a path never holds a name that cannot be written. */
export const MAX_PATH_BYTES = 255;
export const MAX_PATH_DEPTH = 16;

/** What one room may use. */
export interface RoomLimits {
  readonly cpuSeconds: number;
  /**
   * RLIMIT_DATA: private writable memory, so heap, buffers, wasm and thread stacks alike. Of node's
   * share 510 MiB are V8's code range, reserved writable but hardly used, and 60 MiB the rest of a
   * booted node; what is above is what a check can fill with data.
   */
  readonly dataBytes: number;
  /** RLIMIT_NPROC, threads included. Node needs 11 (main, 4 V8 workers, 4 libuv, signal, scheduler). */
  readonly processes: number;
  readonly openFiles: number;
  readonly fileBytes: number;
  readonly tmpBytes: number;
}

export const CHECK_ROOM: RoomLimits = {
  cpuSeconds: 12,
  dataBytes: 832 * MIB,
  processes: 16,
  openFiles: 64,
  fileBytes: 8 * MIB,
  tmpBytes: 16 * MIB,
};

/** ast-grep needs no temporary files and, with one scan thread, two or three threads. */
export const NARROW_ROOM: RoomLimits = {
  cpuSeconds: 12,
  dataBytes: 384 * MIB,
  processes: 16,
  openFiles: 64,
  fileBytes: 0,
  tmpBytes: MIB,
};

/**
 * The hard limit above every soft one, out of reach within any case's wall clock. SIGXCPU, at the soft limit,
 * names the cause, and who ignores it meets the wall clock; SIGKILL, at the hard one, would look like a kill
 * from outside.
 */
export const MAX_CPU_SECONDS = 3_600;

/** V8's own limit, below RLIMIT_DATA so that a heap bomb ends with V8's message and not a bare abort. */
export const CHECK_HEAP_MIB = 192;

/**
 * Rooms made ready ahead, 15 MiB each while they wait (proportional set size, measured): enough for the
 * cases of most requests, and never more than an eighth of the memory.
 */
export const MAX_READY_ROOMS = 20;
export const MEMORY_PER_READY_ROOM_BYTES = 128 * MIB;
export const MAX_READY_ROOM_AGE_MS = 60_000;

/** Kept of a check's stdout and stderr, in bytes. */
export const MAX_CONSOLE_BYTES = 16 * KIB;
/** Written by a check before it is killed, in bytes. */
export const MAX_OUTPUT_BYTES = 4 * MIB;
/** The result channel, in bytes. */
export const MAX_RESULT_BYTES = MIB;
/** ast-grep's stdout for one case, in bytes. */
export const MAX_SCAN_BYTES = 8 * MIB;
/** For one narrow over all cases of a request; a case that is slow is narrowed by itself, at its own cost. */
export const TOGETHER_TIMEOUT_MS = 3_000;
/** What a check must be left of its case's time; a capture that takes more is what timed out. */
export const MIN_CHECK_MS = 1_000;
/** Matches of one case; more is a capture that narrows nothing. */
export const MAX_MATCHES = 2_000;

/** Matches listed in the answer, and how much of each. */
export const MAX_LISTED_MATCHES = 20;
export const MAX_LISTED_TEXT_CHARS = 400;
export const MAX_LISTED_CAPTURES = 16;

export const MAX_FINDINGS = 200;
export const MAX_FINDING_MESSAGE_CHARS = 2_000;
/** All findings of one case together, so that one case cannot fill the answer. */
export const MAX_FINDINGS_CHARS = 64 * KIB;
export const MAX_ERROR_CHARS = 2_000;

export const MAX_TREE_FILES = 3;
export const MAX_TREE_NODES = 200;
export const MAX_TREE_BYTES = 8 * KIB;
/** A pattern travels as one argument; the kernel's limit for one is 128 KiB. */
export const MAX_TREE_SOURCE_BYTES = 32 * KIB;

/** How long a killed room may take until all its pipes are closed, before its slot is given up. */
export const DEATH_GRACE_MS = 5_000;
/** The self-test and the type stripper; neither runs inside a case's deadline. */
export const SELF_TEST_TIMEOUT_MS = 8_000;
export const STRIP_TIMEOUT_MS = 8_000;
