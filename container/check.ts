/**
 * Runs a check on one case: strips its types once per verification, then one fresh process per case.
 * Both happen in rooms. What comes back is a closed set of endings; only a well-formed result of a
 * process that exited with status 0 carries findings.
 */
import { randomBytes } from 'node:crypto';
import { CASE_FINDINGS, type FindingCaps, readFindings, readFrames, readThrown } from './findings.ts';
import { type Jail, ROOM, type RoomSpec } from './jail/jail.ts';
import { type RoomExit, type RoomTask, runRoom } from './jail/run.ts';
import {
  CHECK_HEAP_MIB,
  CHECK_ROOM,
  MAX_CONSOLE_BYTES,
  MAX_OUTPUT_BYTES,
  type RoomLimits,
  STRIP_TIMEOUT_MS,
} from './limits.ts';
import { abnormalEnding, checkError, type Ending, ending, endingOfThrown, memoryEnding } from './outcome.ts';
import type { CaseInput, Finding, Match } from './protocol.ts';
import type { ReadyRoom, StartRoom } from './ready-rooms.ts';
import { writeInto } from './temp.ts';
import { cleanText } from './text.ts';
import { runUndisturbed, wasKilledFromOutside } from './undisturbed.ts';
import type { Checked } from './verify.ts';

/** What a check may use and return, in a case or in a repository. */
export interface CheckSize {
  readonly limits: RoomLimits;
  readonly heapMib: number;
  readonly findings: FindingCaps;
}

const IN_A_CASE: CheckSize = { limits: CHECK_ROOM, heapMib: CHECK_HEAP_MIB, findings: CASE_FINDINGS };

/** Inside the room; stack frames and messages name it, and are mapped back to `check.ts`. */
const CHECK_FILE = `${ROOM.rule}/check.mjs`;

/**
 * The permission model is a second layer inside the room, never the wall. Other V8 flags than the heap's
 * make node refuse its built-in code cache: 7 ms more for each case (measured).
 */
const NODE_FLAGS = [
  '--permission',
  `--allow-fs-read=${ROOM.case}`,
  `--allow-fs-read=${ROOM.rule}`,
  `--allow-fs-read=${ROOM.scripts}`,
  '--allow-fs-read=/tmp',
  '--allow-fs-write=/tmp',
  '--no-addons',
  '--no-warnings',
];

export interface CheckInput {
  readonly caseDir: string;
  /** Host directory that holds the stripped check. */
  readonly checkDir: string;
  /** A room made ready ahead, with what has to be put into it. */
  readonly ready?: { readonly room: ReadyRoom; readonly files: CaseInput['files']; readonly code: string };
  readonly matches: readonly Match[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export async function runCheck(jail: Jail, input: CheckInput): Promise<Checked> {
  const token = randomBytes(24).toString('base64url');
  const task: RoomTask = {
    stdin: JSON.stringify({ token, root: ROOM.case, matches: input.matches }),
    timeoutMs: input.timeoutMs,
    signal: input.signal,
  };
  const { ready } = input;
  if (ready !== undefined) {
    writeInto(ready.room.caseDir, ready.files);
    writeInto(ready.room.checkDir, { 'check.mjs': ready.code });
    const exit = await ready.room.run(task);
    if (!isOwedAnother(exit)) return toResult(exit, token);
  }
  const dirs = { caseDir: input.caseDir, checkDir: input.checkDir };
  return toResult(await runUndisturbed(jail, checkSpec(dirs), { ...task, ...CHECK_PIPES }), token);
}

/**
 * A room made ready may have died while it waited; then nothing of its task has run. A fresh room is owed
 * then, and where something outside killed it.
 */
function isOwedAnother(exit: RoomExit): boolean {
  const diedWaiting = exit.result === '' && exit.killedFor === undefined && !exit.undead;
  return diedWaiting || wasKilledFromOutside(exit);
}

/** A room for a check that is not known yet. */
export const startReadyRoom: StartRoom = (jail, dirs, task, wait) =>
  runRoom(jail, checkSpec(dirs), { ...wait, ...CHECK_PIPES, task });

const CHECK_PIPES = { maxOutputBytes: MAX_OUTPUT_BYTES, keepBytes: MAX_CONSOLE_BYTES } as const;

export function checkSpec(
  dirs: { readonly caseDir: string; readonly checkDir: string },
  { limits, heapMib } = IN_A_CASE,
): RoomSpec {
  const heap = `--max-old-space-size=${heapMib}`;
  return {
    argv: [ROOM.node, ...NODE_FLAGS, heap, `${ROOM.scripts}/runner.cjs`],
    // Not the case: a check must use the root it is given, as it must in the Taskless CLI.
    cwd: '/',
    caseDir: dirs.caseDir,
    ruleDir: dirs.checkDir,
    limits,
  };
}

/** What a room that ran a check left, as a result. */
export function toResult(exit: RoomExit, token: string, caps = CASE_FINDINGS): Checked {
  const { findings = [], ...end } = judge(exit, token, caps);
  return { ...end, findings, console: consoleOf(exit), undead: exit.undead };
}

/** What util-linux 2.38 says when a room is killed; it is no word of the check. */
const KILLED_ROOM = /^unshare: sigprocmask unblock failed: Invalid argument\n?$/m;

function consoleOf({ output, killedFor }: RoomExit): string {
  return cleanText(killedFor === undefined ? output : output.replace(KILLED_ROOM, ''), MAX_CONSOLE_BYTES);
}

type Judged = Ending & { readonly findings?: readonly Finding[] };

function judge(exit: RoomExit, token: string, caps: FindingCaps): Judged {
  const answer = readFrames(exit.result, token);
  // Killed or died before our runner spoke: nothing of the check has run, so it is not its fault.
  if (
    exit.failure === undefined &&
    answer.kind === 'none' &&
    !answer.started &&
    exit.killedFor !== 'cancelled'
  ) {
    return ending('host_error', 'HostError', 'the runner did not start');
  }
  const abnormal = abnormalEnding(exit);
  if (abnormal) return abnormal;
  const invalid = (message: string): Ending => ending('invalid_result', 'InvalidResult', message);
  if (answer.kind === 'garbled') {
    return invalid('something else than a result was written to the result channel');
  }
  if (answer.kind === 'none') {
    return invalid(`the process ended with status ${exit.code} before the check returned`);
  }
  if (answer.kind === 'error') {
    const { error, code } = readThrown(answer.value, LINE_IN_CHECK, nameCheck);
    return endingOfThrown(error, code);
  }
  if (exit.code !== 0) {
    return ending('exited', 'NonZeroExit', `the process ended with status ${exit.code}`);
  }
  const read = readFindings(answer.value, caps);
  return 'problem' in read ? invalid(read.problem) : { outcome: 'exited', findings: read.findings };
}

const LINE_IN_CHECK = /\/rule\/check\.mjs:(\d{1,7})/;

function nameCheck(text: string): string {
  return text.replaceAll(`file://${CHECK_FILE}`, 'check.ts').replaceAll(CHECK_FILE, 'check.ts');
}

export type Stripped = { readonly code: string } | { readonly ending: Ending; readonly undead?: boolean };

/** Types out, positions kept. Costs about 40 ms for the parser's start, so never once per case. */
export async function stripTypes(
  jail: Jail,
  source: string,
  dir: string,
  signal: AbortSignal,
  ready?: ReadyRoom,
): Promise<Stripped> {
  const token = randomBytes(24).toString('base64url');
  const task: RoomTask = { stdin: JSON.stringify({ token, source }), timeoutMs: STRIP_TIMEOUT_MS, signal };
  const waited = await ready?.run(task);
  const exit =
    waited === undefined || isOwedAnother(waited)
      ? await runUndisturbed(jail, stripSpec(dir, dir), { ...task, ...STRIP_PIPES })
      : waited;
  const abnormal = abnormalEnding(exit);
  if (abnormal) return { ending: abnormal, undead: exit.undead };
  const answer = exit.code === 0 ? readStripped(exit.result, token) : undefined;
  return (
    answer ?? {
      ending: memoryEnding(exit.lastWords) ?? ending('host_error', 'HostError', 'the type stripper failed'),
    }
  );
}

/** A stripper that has its parser loaded and waits for a source. */
export const startReadyStripper: StartRoom = (jail, dirs, task, wait) =>
  runRoom(jail, stripSpec(dirs.caseDir, dirs.checkDir), { ...wait, ...STRIP_PIPES, task });

export function stripSpec(caseDir: string, ruleDir: string): RoomSpec {
  const argv = [ROOM.node, '--no-warnings', `${ROOM.scripts}/strip.cjs`];
  return { argv, cwd: '/', caseDir, ruleDir, limits: CHECK_ROOM };
}

/** Escaping can double a 1 MiB source, and control characters take six bytes each. */
const MAX_STRIPPED_BYTES = 8 * 1024 * 1024;
export const STRIP_PIPES = { ...CHECK_PIPES, maxResultBytes: MAX_STRIPPED_BYTES } as const;

function readStripped(text: string, token: string): Stripped | undefined {
  if (!text.startsWith(`${token} `) || !text.endsWith('\n')) return undefined;
  const { code, error } = JSON.parse(text.slice(token.length + 1)) as {
    code?: unknown;
    error?: { message?: unknown; line?: unknown };
  };
  if (typeof code === 'string') return { code };
  const line = typeof error?.line === 'number' ? error.line : undefined;
  const refused = checkError('SyntaxError', String(error?.message ?? ''), line);
  return { ending: { outcome: 'exited', error: refused } };
}
