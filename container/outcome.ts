/**
 * Names how a room ended. The first cause wins: what the supervisor killed it for, then what the dying
 * process said about itself, then its status. Nothing here can turn a bad end into a good one.
 */
import type { KillCause, RoomExit } from './jail/run.ts';
import { MAX_ERROR_CHARS, MAX_MATCHES } from './limits.ts';
import type { CheckError, Outcome } from './protocol.ts';
import { cleanText } from './text.ts';

export interface Ending {
  readonly outcome: Outcome;
  readonly error?: CheckError;
}

export function checkError(name: string, message: string, line?: number): CheckError {
  const error = { name, message: cleanText(message, MAX_ERROR_CHARS) };
  return line === undefined ? error : { ...error, line };
}

export function ending(outcome: Outcome, name: string, message: string): Ending {
  return { outcome, error: checkError(name, message) };
}

/** What a supervisor ends work for, in a room or elsewhere. */
export const STOPPED: Readonly<Record<KillCause, Ending>> = {
  deadline: ending('timed_out', 'TimedOut', 'the time for this case ran out'),
  output: ending('output_exceeded', 'OutputExceeded', 'it wrote more output than allowed'),
  result: ending('output_exceeded', 'OutputExceeded', 'its result is larger than allowed'),
  cancelled: ending('host_error', 'Cancelled', 'the verification was cancelled'),
};

export const TOO_MANY_MATCHES = ending(
  'output_exceeded',
  'TooManyMatches',
  `more than ${MAX_MATCHES} matches`,
);

export const MEMORY_EXCEEDED = ending(
  'memory_exceeded',
  'MemoryExceeded',
  'it needed more memory than allowed',
);

const HEAP_EXHAUSTED = /JavaScript heap out of memory|FATAL ERROR: .*(?:out of memory|Allocation failed)/i;
const ALLOCATION_FAILED =
  /ERR_MEMORY_ALLOCATION_FAILED|Array buffer allocation failed|could not allocate memory|Zone Allocation failed|std::bad_alloc|: Out of memory$|Unable to grow instance memory|Fatal process out of memory|memory allocation of \d+ bytes failed/;
const NO_MORE_PROCESSES =
  /Resource temporarily unavailable|uv_thread_create|pthread_create|ERR_WORKER_INIT_FAILED|\bE(?:AGAIN)\b|failed to spawn thread/;

/** How the room ended when it was not by a plain exit; undefined when it exited by itself. */
export function abnormalEnding(exit: RoomExit): Ending | undefined {
  if (exit.failure !== undefined && !ranAndExited(exit)) {
    return ending('host_error', 'HostError', 'the room could not be run');
  }
  if (exit.killedFor !== undefined) return STOPPED[exit.killedFor];
  // Only a process that died is asked for its last words; one that lives on may print what it likes.
  const died = exit.signalled !== undefined || (exit.code !== undefined && exit.code !== 0);
  if (died) {
    const memory = memoryEnding(exit.lastWords);
    if (memory) return memory;
    if (exit.signalled !== undefined && NO_MORE_PROCESSES.test(exit.lastWords)) return PROCESS_LIMIT;
  }
  if (exit.signalled === undefined) return undefined;
  return (
    SIGNAL_ENDINGS[exit.signalled] ?? ending('signalled', 'Signalled', `it died of signal ${exit.signalled}`)
  );
}

/**
 * The tools that build a room are done before anything is written to its result channel: what is said in
 * their words after that is the check's, and is no failure of ours.
 */
function ranAndExited(exit: RoomExit): boolean {
  return exit.code !== undefined && exit.result !== '';
}

/** SIGXCPU, or SIGKILL at the hard limit, end a process that burned its CPU time. */
const SIGNAL_ENDINGS: Readonly<Record<number, Ending>> = {
  24: ending('timed_out', 'TimedOut', 'the CPU time for this case ran out'),
};

export function memoryEnding(text: string): Ending | undefined {
  return HEAP_EXHAUSTED.test(text) || ALLOCATION_FAILED.test(text) ? MEMORY_EXCEEDED : undefined;
}

const PROCESS_LIMIT = ending(
  'process_limit',
  'ProcessLimit',
  'it tried to start more processes or threads than allowed',
);

/** What a check threw may itself be the limit's doing. */
export function endingOfThrown(error: CheckError, code: string): Ending {
  const text = `${code} ${error.message}`;
  if (error.name === 'RangeError' || code === 'ERR_MEMORY_ALLOCATION_FAILED') {
    const memory = memoryEnding(text);
    if (memory) return { ...memory, error };
  }
  if (code === 'EAGAIN' || code === 'ERR_WORKER_INIT_FAILED') return { ...PROCESS_LIMIT, error };
  return { outcome: 'exited', error };
}
