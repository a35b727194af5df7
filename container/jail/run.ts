/**
 * Runs one command in one room and reports how it ended. It never runs untrusted code itself and
 * never interprets what the room wrote: it counts, cuts and kills.
 *
 * Every room is killed as a whole (its pid namespace) and counts as dead only when the process has
 * exited and every pipe it could hold is at end of file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DEATH_GRACE_MS, MAX_RESULT_BYTES } from '../limits.ts';
import { log } from '../log.ts';
import { randomName } from '../temp.ts';
import { messageOf } from '../text.ts';
import { type Jail, ROOM_ENV, type RoomCommand, type RoomSpec } from './jail.ts';
import { killGroup, killRoom } from './kill.ts';
import { Sink } from './sink.ts';
import { takeUid } from './uids.ts';

/** What a room is told, and how long it may take over it. */
export interface RoomTask {
  /** As text, or made anew for each run by whoever has more of it than should be held at once. */
  readonly stdin?: string | (() => AsyncIterable<Uint8Array>);
  /** Wall clock in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface RunOptions extends RoomTask {
  /**
   * For a room that is started before there is a task: `timeoutMs` and `signal` bound the wait, and the
   * task's own take over when it comes.
   */
  readonly task?: Promise<RoomTask>;
  /** Bytes of stdout and stderr together before the room is killed. */
  readonly maxOutputBytes: number;
  /** Bytes kept of the interleaved output; stdout alone is kept whole when `keepStdout` is set. */
  readonly keepBytes: number;
  readonly keepStdout?: boolean;
  /** Takes the output as it comes, which then counts for no limit here; the room is killed when it says false. */
  readonly onOutput?: (from: 'stdout' | 'stderr', chunk: Buffer) => boolean;
  /** Bytes of the result channel before the room is killed. */
  readonly maxResultBytes?: number;
  /** For the self-test: called with the outermost process id once it runs. */
  readonly onStart?: (pid: number) => void;
}

/** Why the supervisor killed a room; undefined when it ended by itself. */
export type KillCause = 'deadline' | 'output' | 'result' | 'cancelled';

export interface RoomExit {
  readonly killedFor: KillCause | undefined;
  /** Exit status; 128+n is a death by signal n, see {@link signalled}. */
  readonly code: number | undefined;
  /** Signal number, when the command died of one. */
  readonly signalled: number | undefined;
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
  /** The end of stderr: a dying process says there why, perhaps after a flood. */
  readonly lastWords: string;
  readonly result: string;
  /** Our side failed: the room was not built, or could not be started, or would not die. */
  readonly failure: string | undefined;
  /** True when a killed room was not seen dead in time: its slot must not be used again. */
  readonly undead: boolean;
  readonly elapsedMs: number;
}

const LAST_WORDS_BYTES = 8 * 1024;

/** Rooms alive now, so that a stopping host can kill them all. */
const alive = new Set<() => void>();

export function killAllRooms(): void {
  for (const kill of alive) kill();
}

export async function runRoom(jail: Jail, spec: RoomSpec, options: RunOptions): Promise<RoomExit> {
  const uid = takeUid(jail.ownUid, jail.sweep !== undefined);
  const command = jail.command(spec, uid.value, randomName());
  const files = Object.entries(command.files);
  let undead = false;
  try {
    command.folder?.make();
    // Synchronous: one small file, and a turn of the thread pool would cost 1 ms of every room.
    for (const [path, text] of files) writeFileSync(path, text, { mode: 0o644, flag: 'wx' });
    const exit = await runCommand(jail, uid.value, command, options);
    const swept = (await jail.sweep?.(uid.value)) ?? true;
    undead = exit.undead || !swept;
    return { ...exit, undead };
  } catch (error) {
    return without({ failure: `the room could not be prepared: ${messageOf(error)}` });
  } finally {
    // Who still lives under this uid could reach the next room that had it.
    if (!undead) uid.release();
    command.folder?.remove();
    for (const [path] of files) unlink(path).catch(() => {});
  }
}

/** The end of a room of which nothing was seen. */
function without(why: Partial<RoomExit>): RoomExit {
  const end = { killedFor: undefined, code: undefined, signalled: undefined, failure: undefined };
  const said = { output: '', stdout: '', stderr: '', lastWords: '', result: '' };
  return { ...end, ...said, undead: false, elapsedMs: 0, ...why };
}

function runCommand(
  jail: Jail,
  uid: number,
  { file, args }: RoomCommand,
  options: RunOptions,
): Promise<RoomExit> {
  const startedAt = performance.now();
  const elapsed = (): number => Math.round(performance.now() - startedAt);
  if (options.signal.aborted) return Promise.resolve(without({ killedFor: 'cancelled' }));
  if (options.timeoutMs <= 0) return Promise.resolve(without({ killedFor: 'deadline' }));
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      // A group of its own, so that one kill reaches the whole chain; an environment of its own.
      child = spawn(file, args, { env: ROOM_ENV, detached: true, cwd: '/', stdio: Array(5).fill('pipe') });
    } catch (error) {
      const failure = `the room could not be started: ${messageOf(error)}`;
      resolve(without({ failure, elapsedMs: elapsed() }));
      return;
    }
    // What outlived the room's own process may hold its pipes: without a pid namespace it does not die with it.
    const sweep = (): void => void jail.sweep?.(uid);
    const kill = (pid: number): void => {
      (jail.kill ?? killRoom)(pid);
      sweep();
    };
    const watch = new Watch(child, options, kill);
    child.once('exit', sweep);
    child.once('error', (error) => watch.fail(`the room could not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      resolve({ ...watch.end(jail, code, signal), elapsedMs: elapsed() });
    });
    const failure = 'a killed room did not end';
    watch.onUndead = () => resolve(without({ failure, undead: true, elapsedMs: elapsed() }));
    if (child.pid !== undefined) options.onStart?.(child.pid);
  });
}

/** One running room: its pipes, its deadline, and the first reason it was killed for. */
class Watch {
  readonly #child: ChildProcess;
  readonly #options: RunOptions;
  readonly #killTree: (pid: number) => void;
  readonly #kept: Readonly<Record<'output' | 'stdout' | 'stderr' | 'result' | 'setup', Sink>>;
  #timer: NodeJS.Timeout;
  #signal: AbortSignal;
  readonly #cancel = (): void => this.#kill('cancelled');
  #lastWords = Buffer.alloc(0);
  #written = 0;
  #killedFor: KillCause | undefined;
  #failure: string | undefined;
  #ended = false;
  #deathTimer: NodeJS.Timeout | undefined;
  onUndead: () => void = () => {};

  constructor(child: ChildProcess, options: RunOptions, kill: (pid: number) => void) {
    this.#child = child;
    this.#options = options;
    this.#killTree = kill;
    this.#kept = {
      output: new Sink(options.keepBytes),
      stdout: new Sink(options.keepStdout ? options.maxOutputBytes : 0),
      stderr: new Sink(options.keepBytes),
      result: new Sink(options.maxResultBytes ?? MAX_RESULT_BYTES),
      setup: new Sink(4096),
    };
    this.#timer = setTimeout(() => this.#kill('deadline'), options.timeoutMs);
    this.#signal = options.signal;
    this.#signal.addEventListener('abort', this.#cancel, { once: true });
    alive.add(this.#cancel);
    this.#connect();
  }

  #connect(): void {
    const [stdin, stdout, stderr, result, setup] = this.#child.stdio as [Writable, ...Readable[]];
    for (const stream of this.#child.stdio) stream?.on('error', () => {});
    if (this.#options.task === undefined) giveStdin(stdin, this.#options.stdin);
    else this.#options.task.then((task) => this.#begin(task, stdin)).catch(() => this.#kill('cancelled'));
    const { onOutput, maxOutputBytes } = this.#options;
    const output =
      (from: 'stdout' | 'stderr') =>
      (chunk: Buffer): void => {
        this.#kept.output.add(chunk);
        this.#kept[from].add(chunk);
        this.#written += onOutput === undefined ? chunk.length : 0;
        const isTooMuch = this.#written > maxOutputBytes || onOutput?.(from, chunk) === false;
        if (isTooMuch) this.#kill('output');
      };
    stdout?.on('data', output('stdout'));
    stderr?.on('data', output('stderr'));
    stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = Buffer.concat([this.#lastWords, chunk]).subarray(-LAST_WORDS_BYTES);
    });
    result?.on('data', (chunk: Buffer) => {
      if (!this.#kept.result.add(chunk)) this.#kill('result');
    });
    setup?.on('data', (chunk: Buffer) => this.#kept.setup.add(chunk));
  }

  #begin(task: RoomTask, stdin: Writable): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#cancel);
    if (this.#ended) return;
    this.#signal = task.signal;
    if (task.signal.aborted) this.#kill('cancelled');
    else task.signal.addEventListener('abort', this.#cancel, { once: true });
    this.#timer = setTimeout(() => this.#kill('deadline'), task.timeoutMs);
    giveStdin(stdin, task.stdin);
  }

  fail(reason: string): void {
    this.#failure ??= reason;
    this.#kill('cancelled');
  }

  #kill(cause: KillCause): void {
    if (this.#killedFor !== undefined) return;
    this.#killedFor = cause;
    const pid = this.#child.pid;
    if (pid === undefined) return;
    this.#killTree(pid);
    // A room that was still being built may have slipped through between two processes of the chain.
    const again = setTimeout(() => killGroup(pid), DEATH_GRACE_MS / 5);
    this.#child.once('close', () => clearTimeout(again));
    this.#deathTimer = setTimeout(() => {
      log('room.undead', { pid });
      this.onUndead();
    }, DEATH_GRACE_MS);
  }

  end(jail: Jail, code: number | null, signal: NodeJS.Signals | null): Omit<RoomExit, 'elapsedMs'> {
    clearTimeout(this.#timer);
    clearTimeout(this.#deathTimer);
    this.#ended = true;
    this.#signal.removeEventListener('abort', this.#cancel);
    alive.delete(this.#cancel);
    const setup = this.#kept.setup.text();
    const stderr = this.#kept.stderr.text();
    if (this.#failure === undefined && this.#killedFor === undefined) {
      this.#failure = setupFailure(jail, setup, stderr, code);
    }
    const byStatus = wasCutShort(jail, setup) ? constants.signals.SIGKILL : signalOf(code);
    const signalled = signal === null ? byStatus : signalNumber(signal);
    return {
      killedFor: this.#killedFor,
      code: signalled === undefined ? (code ?? undefined) : undefined,
      signalled,
      output: this.#kept.output.text(),
      stdout: this.#kept.stdout.text(),
      stderr,
      lastWords: this.#lastWords.toString('utf8'),
      result: this.#kept.result.text(),
      failure: this.#failure,
      undead: false,
    };
  }
}

/** A room may end without having read it all: that is no error of ours. */
function giveStdin(pipe: Writable, given: RoomTask['stdin']): void {
  if (typeof given !== 'function') pipe.end(given ?? '');
  else pipeline(given(), pipe).catch(() => pipe.destroy());
}

/**
 * The process that waits in the room says on a pipe of its own when the command has ended. Where that word
 * is missing it was killed, and unshare(1) above it then exits with 1, as if the command had.
 */
function wasCutShort(jail: Jail, setup: string): boolean {
  const stood = jail.kind === 'bubblewrap' || setup.includes('ready\n');
  return jail.kind !== 'process' && stood && !setup.includes('done\n');
}

/**
 * A shell reports death by signal n as 128+n, and so does bubblewrap. A command that exits with such a
 * status on purpose is reported as signalled: it can only make its own outcome worse.
 */
function signalOf(code: number | null): number | undefined {
  return code !== null && code > 128 && code < 128 + 65 ? code - 128 : undefined;
}

function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal] ?? 0;
}

/** Did a link of the chain that builds the room fail? Those speak before any untrusted code runs. */
function setupFailure(jail: Jail, setup: string, stderr: string, code: number | null): string | undefined {
  if (jail.kind === 'util-linux' && !setup.includes('ready\n')) {
    return `the room could not be built: ${(setup || stderr).trim().slice(0, 500)}`;
  }
  const link = /^(?:sh|room|setpriv|bwrap|\/bin\/\w+|unshare|prlimit|\/usr\/sbin\/chroot): .*/.exec(stderr);
  if (link && code !== 0 && code !== null && (code === 1 || code >= 125)) {
    return `the room could not be built: ${link[0].slice(0, 500)}`;
  }
  return undefined;
}
