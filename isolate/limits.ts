/** Bounds of one isolate, units in the names; what cases and answers may hold is in `container/limits.ts`. */

const MIB = 1024 * 1024;

/** V8's own limit, so that a heap bomb ends with V8's words instead of with the machine's memory. */
export const ISOLATE_HEAP_MIB = 192;

/** What the process round one isolate may use. */
export const PROCESS_LIMITS = {
  /** Private writable memory. workerd at rest needs 150 MiB of it; the rest is for heap and buffers. */
  dataBytes: 768 * MIB,
  cpuSeconds: 12,
  openFiles: 64,
  /** Counted only where the process has a user of its own. workerd at rest has 7 threads. */
  processes: 64,
} as const;

/** From the start of the process to its word that it listens; 20 ms on an idle machine. */
export const START_TIMEOUT_MS = 8_000;

/** JavaScript heap of a thread that parses what strangers wrote. */
export const KITCHEN_HEAP_MIB = 256;
/** Parsing threads grow with the largest source they saw; one that took this many jobs is replaced. */
export const MAX_KITCHEN_JOBS = 2_000;
