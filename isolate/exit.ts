/** How one isolate ended, and what that says of the check that ran in it. Nothing here turns a bad end into a good one. */
import { readFindings, readFrames, readThrown } from '../container/findings.ts';
import type { KillCause, RoomExit } from '../container/jail/run.ts';
import { MAX_CONSOLE_BYTES } from '../container/limits.ts';
import {
  abnormalEnding,
  checkError,
  type Ending,
  ending,
  endingOfThrown,
  MEMORY_EXCEEDED,
} from '../container/outcome.ts';
import type { CheckError, Finding } from '../container/protocol.ts';
import { cleanText } from '../container/text.ts';
import type { Checked } from '../container/verify.ts';

export interface IsolateExit {
  readonly killedFor: KillCause | undefined;
  /** Our side failed: the isolate did not start, or would not end. */
  readonly failure: string | undefined;
  /** What the harness answered; undefined when it gave no answer. */
  readonly answer: string | undefined;
  /** Why there is no answer, in the runtime's words. */
  readonly complaint: string;
  /** Set when the runtime itself died. */
  readonly died: { readonly signal: number } | undefined;
  /** The runtime would not compile the check; nothing of it has run. */
  readonly refused: CheckError | undefined;
  readonly output: string;
  readonly undead: boolean;
}

/** What only V8 refuses shows when the modules are loaded, and ends the isolate before its first request. */
export function readRefusal(text: string): CheckError | undefined {
  const found = /\bSyntaxError: ([^\n]*)\n\s+at check\.mjs:(\d+)/.exec(text);
  if (found === null) return undefined;
  return checkError('SyntaxError', found[1] ?? '', Number(found[2]));
}

export function endedWith(how: Partial<IsolateExit>): IsolateExit {
  const none = { killedFor: undefined, failure: undefined, answer: undefined, died: undefined };
  return { ...none, refused: undefined, complaint: '', output: '', undead: false, ...how };
}

export function toChecked(exit: IsolateExit, token: string): Checked {
  const { findings = [], ...end } = judge(exit, token);
  return { ...end, findings, console: cleanText(exit.output, MAX_CONSOLE_BYTES), undead: exit.undead };
}

type Judged = Ending & { readonly findings?: readonly Finding[] };

/** How the runtime words it when one allocation is refused. */
const NO_ROOM = /^(?:Failed to allocate memory for|WebAssembly\.Memory\.grow\(\): Unable)/;
const OUT_OF_MEMORY = /Cannot allocate memory|[Uu]nable to allocate|out of memory/;

function judge(exit: IsolateExit, token: string): Judged {
  if (exit.refused !== undefined) return { outcome: 'exited', error: exit.refused };
  if (exit.died !== undefined && exit.failure === undefined && exit.killedFor === undefined) {
    if (OUT_OF_MEMORY.test(exit.complaint)) return MEMORY_EXCEEDED;
  }
  const abnormal = abnormalEnding(asRoomExit(exit));
  if (abnormal) return abnormal;
  if (exit.answer === undefined) return unanswered(exit.complaint);
  const answer = readFrames(exit.answer, token);
  if (answer.kind === 'error') return thrownEnding(answer.value);
  if (answer.kind === 'none') return unanswered('');
  if (answer.kind === 'garbled') return invalid('something else than a result came from the isolate');
  const read = readFindings(answer.value);
  return 'problem' in read ? invalid(read.problem) : { outcome: 'exited', findings: read.findings };
}

function asRoomExit({ killedFor, failure, died, complaint, undead }: IsolateExit): RoomExit {
  return {
    killedFor,
    failure,
    undead,
    code: died === undefined ? 0 : undefined,
    signalled: died?.signal,
    lastWords: complaint,
    ...{ output: '', stdout: '', stderr: '', result: '', elapsedMs: 0 },
  };
}

/** The runtime lives, and cancelled the request. */
function unanswered(complaint: string): Ending {
  if (complaint.includes('would never generate a response')) {
    return ending('exited', 'NeverSettled', "the check's promise never settled");
  }
  const status = /process\.exit\((-?\d+)\)/.exec(complaint)?.[1];
  if (status === undefined) return invalid('the isolate gave no result');
  return invalid(`the process ended with status ${status} before the check returned`);
}

function invalid(message: string): Ending {
  return ending('invalid_result', 'InvalidResult', message);
}

function thrownEnding(value: unknown): Ending {
  const { error, code } = readThrown(value, LINE_IN_CHECK, (text) =>
    text.replaceAll('check.mjs', 'check.ts'),
  );
  if (error.name === 'RangeError' && NO_ROOM.test(error.message))
    return { outcome: 'memory_exceeded', error };
  return endingOfThrown(error, code);
}

const LINE_IN_CHECK = /(?:^|[\s(])(?:file:\/\/\/)?(?:bundle\/)?check\.mjs:(\d{1,7})/;
