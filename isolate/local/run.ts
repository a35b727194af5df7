/**
 * Runs one bundle in one workerd process and reports how that ended. The process has no network but the
 * one unix socket for the one request; it is killed as soon as it has answered, at its deadline, or when it
 * writes too much, and is seen dead before this resolves.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { KillCause } from '../../container/jail/run.ts';
import { takeUid } from '../../container/jail/uids.ts';
import {
  DEATH_GRACE_MS,
  MAX_CONSOLE_BYTES,
  MAX_OUTPUT_BYTES,
  MAX_RESULT_BYTES,
} from '../../container/limits.ts';
import { log } from '../../container/log.ts';
import { randomName, removeTree } from '../../container/temp.ts';
import { messageOf } from '../../container/text.ts';
import { undisturbed } from '../../container/undisturbed.ts';
import type { Bundle, BundleTask } from '../bundle.ts';
import { endedWith, type IsolateExit, readRefusal } from '../exit.ts';
import { ISOLATE_HEAP_MIB, START_TIMEOUT_MS } from '../limits.ts';
import { SOCKET, workerdConfig } from './config.ts';
import { Output } from './output.ts';
import type { Runtime } from './tools.ts';

export interface RunTask {
  readonly task: Pick<BundleTask, 'token' | 'matches'>;
  /** Wall clock in milliseconds, the start of the process included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** For the self-test: called with the process id once workerd listens. */
  readonly onStart?: (pid: number) => void;
}

/** Processes alive now, so that a stopping host can kill them all. */
const alive = new Set<() => void>();

export function killAllIsolates(): void {
  for (const kill of alive) kill();
}

export function isolatesAlive(): number {
  return alive.size;
}

const SIGKILL = constants.signals.SIGKILL;

/** Once more when something outside killed it. */
export function runIsolate(
  runtime: Runtime,
  hostDir: string,
  bundle: Bundle,
  task: RunTask,
): Promise<IsolateExit> {
  const run = (): Promise<IsolateExit> => runOnce(runtime, hostDir, bundle, task);
  return undisturbed('isolate', run, wasKilledFromOutside);
}

function wasKilledFromOutside({ killedFor, died, failure }: IsolateExit): boolean {
  return killedFor === undefined && failure === undefined && died?.signal === SIGKILL;
}

async function runOnce(
  runtime: Runtime,
  hostDir: string,
  bundle: Bundle,
  task: RunTask,
): Promise<IsolateExit> {
  if (task.signal.aborted) return endedWith({ killedFor: 'cancelled' });
  if (task.timeoutMs <= 0) return endedWith({ killedFor: 'deadline' });
  const uid = takeUid(runtime.ownUid);
  const dir = join(hostDir, randomName());
  let undead = false;
  try {
    mkdirSync(dir, { mode: 0o700 });
    // Its socket is made in there by a user of its own; the name is known to nobody else.
    if (runtime.ownUid) chmodSync(dir, 0o733);
    const exit = await new Promise<IsolateExit>(
      (resolve) => new Run(runtime, uid.value, dir, bundle, task, resolve),
    );
    undead = exit.undead;
    return exit;
  } catch (error) {
    return endedWith({ failure: `the isolate could not be started: ${messageOf(error)}` });
  } finally {
    // Who still lives under this uid could reach the next isolate that had it.
    if (!undead) uid.release();
    removeTree(dir);
  }
}

class Run {
  readonly #child: ChildProcess;
  readonly #output = new Output(MAX_CONSOLE_BYTES, MAX_OUTPUT_BYTES);
  readonly #task: RunTask;
  readonly #socket: string;
  readonly #resolve: (exit: IsolateExit) => void;
  readonly #deadline: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#kill('cancelled');
  #deathTimer: NodeJS.Timeout | undefined;
  #killedFor: KillCause | 'answered' | undefined;
  #listening = false;
  #answer: string | undefined;
  #request: ClientRequest | undefined;
  #failure: string | undefined;

  constructor(
    runtime: Runtime,
    uid: number,
    dir: string,
    bundle: Bundle,
    task: RunTask,
    resolve: (exit: IsolateExit) => void,
  ) {
    this.#task = task;
    this.#resolve = resolve;
    this.#socket = join(dir, 's');
    const args = ['serve', '--binary', '-', '--socket-addr', `${SOCKET}=unix:${this.#socket}`];
    const [file = '', ...rest] = runtime.command(uid, [...args, '--control-fd', '3']);
    this.#child = spawn(file, rest, { env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    alive.add(this.#onAbort);
    this.#deadline = setTimeout(() => this.#late(), task.timeoutMs);
    task.signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#connect(workerdConfig(bundle, [`--max-heap-size=${ISOLATE_HEAP_MIB}`], runtime.outlet));
  }

  #connect(config: Uint8Array): void {
    const [stdin, stdout, stderr, control] = this.#child.stdio as unknown as [Writable, ...Readable[]];
    for (const stream of this.#child.stdio) stream?.on('error', () => {});
    this.#child.once('error', (error) => {
      this.#failure ??= `workerd could not be started: ${error.message}`;
      if (this.#child.pid === undefined) this.#end(null, null);
    });
    stdin.end(config);
    for (const stream of [stdout, stderr]) {
      const read = this.#output.stream(stream === stderr);
      stream?.on('data', (chunk: Buffer) => {
        read(chunk);
        if (this.#output.isTooMuch) this.#kill('output');
      });
      stream?.once('end', () => read());
    }
    const startTimer = setTimeout(() => this.#fail('workerd did not start in time'), START_TIMEOUT_MS);
    this.#child.once('close', (code, signal) => {
      clearTimeout(startTimer);
      this.#end(code, signal);
    });
    control?.once('data', () => {
      clearTimeout(startTimer);
      this.#listening = true;
      if (this.#child.pid !== undefined) this.#task.onStart?.(this.#child.pid);
      this.#ask();
    });
  }

  #ask(): void {
    if (this.#killedFor !== undefined) return;
    const path = { socketPath: this.#socket, method: 'POST', path: '/', agent: false };
    const request = httpRequest(path, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_RESULT_BYTES) this.#kill('result');
        else chunks.push(chunk);
      });
      response.once('end', () => {
        if (response.statusCode === 200) this.#answer = Buffer.concat(chunks).toString('utf8');
        this.#kill('answered');
      });
      response.once('error', () => {});
    });
    this.#request = request;
    // The process died or was killed; its end says why.
    request.once('error', () => {});
    request.setHeader('content-type', 'application/json');
    request.end(JSON.stringify(this.#task.task satisfies BundleTask));
  }

  /** Before workerd listens nothing of the check has run: that it took so long is no fault of the check's. */
  #late(): void {
    if (this.#listening) this.#kill('deadline');
    else this.#fail('the time for this case ran out before workerd had started');
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#kill('cancelled');
  }

  #kill(cause: KillCause | 'answered'): void {
    if (this.#killedFor !== undefined) return;
    this.#killedFor = cause;
    // Output that came before the answer may still be in the pipe; a check that ended gets it read.
    this.#child.kill('SIGKILL');
    this.#deathTimer = setTimeout(() => {
      log('isolate.undead', { pid: this.#child.pid });
      this.#finish(endedWith({ failure: 'a killed isolate did not end', undead: true }));
    }, DEATH_GRACE_MS);
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    const remarks = this.#output.remarks;
    const exit = {
      killedFor: this.#killedFor === 'answered' ? undefined : this.#killedFor,
      answer: this.#killedFor === 'answered' ? this.#answer : undefined,
      complaint: remarks,
      died: this.#killedFor === undefined ? { signal: signalOf(signal, remarks) } : undefined,
      output: this.#output.text,
    };
    const started = this.#listening || exit.killedFor !== undefined;
    const refused = started ? undefined : readRefusal(`${remarks}${exit.output}`);
    if (refused !== undefined) {
      this.#finish(endedWith({ refused }));
      return;
    }
    const startFailure = started ? undefined : `workerd ended with ${code ?? signal}: ${remarks.slice(-500)}`;
    this.#finish(endedWith({ ...exit, failure: this.#failure ?? startFailure }));
  }

  #finish(exit: IsolateExit): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#deathTimer);
    this.#task.signal.removeEventListener('abort', this.#onAbort);
    this.#request?.destroy();
    alive.delete(this.#onAbort);
    this.#resolve(exit);
  }
}

/** What workerd catches, says on its standard error, and exits after: faults and its own aborts. */
const CAUGHT: ReadonlySet<number> = new Set(
  (['SIGILL', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const).map((name) => constants.signals[name]),
);

/**
 * The kernel's word first. What stands in the output may be the check's own, so the last of it counts, which
 * a dying runtime writes, and only for signals a runtime can catch: never one that means a kill from outside.
 * 0 stands for a death without a signal's name.
 */
export function signalOf(signal: NodeJS.Signals | null, remarks: string): number {
  if (signal !== null) return constants.signals[signal] ?? 0;
  const said = Number([...remarks.matchAll(/^\*\*\* Received signal #(\d+)/gm)].at(-1)?.[1]);
  return CAUGHT.has(said) ? said : 0;
}
