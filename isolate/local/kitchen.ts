/**
 * Threads that do the jobs, one job per thread at a time. A job that takes too long, or whose caller left,
 * ends its thread; the next job gets a new one. A thread that had no job for a while is ended too.
 */
import { Worker } from 'node:worker_threads';
import { MAX_READY_ROOM_AGE_MS } from '../../container/limits.ts';
import { messageOf } from '../../container/text.ts';
import type { Done, Jobs } from '../jobs.ts';
import { KITCHEN_HEAP_MIB, MAX_KITCHEN_JOBS } from '../limits.ts';
import type { JobAnswer, JobName, JobRequest } from './kitchen-thread.ts';

type JobResult<Name extends JobName> = Done<Awaited<ReturnType<Jobs[Name]>>>;

interface Thread {
  readonly worker: Worker;
  jobs: number;
  /** Set while it is idle. */
  age?: NodeJS.Timeout;
}

export class Kitchen {
  readonly #size: number;
  readonly #maxIdleMs: number;
  #idle: Thread[] = [];
  readonly #all = new Set<Thread>();
  readonly #waiting = new Set<(thread: Thread | undefined) => void>();
  #closed = false;

  /** @param size threads at most */
  constructor(size: number, maxIdleMs = MAX_READY_ROOM_AGE_MS) {
    this.#size = size;
    this.#maxIdleMs = maxIdleMs;
  }

  get threads(): number {
    return this.#all.size;
  }

  /** Starts the threads; resolves when they have loaded what every job needs. */
  async warmUp(): Promise<void> {
    const threads = Array.from({ length: this.#size }, () => this.#start());
    await Promise.all(threads.map((thread) => once(thread.worker)));
    for (const thread of threads) this.#giveBack(thread);
  }

  /** @param timeoutMs from when a thread takes the job; a job that waits for one is bounded by `signal` */
  async run<Name extends JobName>(
    name: Name,
    args: Parameters<Jobs[Name]>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<JobResult<Name>> {
    if (timeoutMs <= 0 || signal.aborted) return { late: true };
    const thread = await this.#take(signal);
    if (thread === undefined) return { late: true };
    const outcome = await work(thread.worker, { name, args }, timeoutMs, signal);
    thread.jobs += 1;
    if ('value' in outcome && !mayBeBroken(outcome.value) && thread.jobs < MAX_KITCHEN_JOBS)
      this.#giveBack(thread);
    else this.#replace(thread);
    return outcome as JobResult<Name>;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { age } of this.#idle) clearTimeout(age);
    for (const leave of this.#waiting) leave(undefined);
    await Promise.all([...this.#all].map(({ worker }) => worker.terminate()));
  }

  #start(): Thread {
    const worker = new Worker(new URL('./kitchen-thread.ts', import.meta.url), {
      execArgv: ['--no-warnings'],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: KITCHEN_HEAP_MIB },
      stdout: true,
      stderr: true,
    });
    // Whoever waits for the thread hears of it too.
    worker.on('error', () => {});
    const thread: Thread = { worker, jobs: 0 };
    this.#all.add(thread);
    worker.once('exit', () => {
      clearTimeout(thread.age);
      this.#all.delete(thread);
      this.#idle = this.#idle.filter((one) => one !== thread);
    });
    return thread;
  }

  /** Undefined when there was none before `signal`. */
  async #take(signal: AbortSignal): Promise<Thread | undefined> {
    if (this.#closed) return undefined;
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      clearTimeout(idle.age);
      return idle;
    }
    if (this.#all.size < this.#size) return this.#start();
    return new Promise((resolve) => {
      const leave = (): void => settle(undefined);
      const settle = (thread: Thread | undefined): void => {
        this.#waiting.delete(settle);
        signal.removeEventListener('abort', leave);
        // Whoever left while it was handed a thread does not need that any more.
        if (thread === undefined || !signal.aborted) resolve(thread);
        else {
          resolve(undefined);
          this.#giveBack(thread);
        }
      };
      this.#waiting.add(settle);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #giveBack(thread: Thread): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      next(thread);
      return;
    }
    // The last used is used next, so that those nobody needs grow old.
    this.#idle.push(thread);
    thread.age = setTimeout(() => this.#retire(thread), this.#maxIdleMs).unref();
  }

  #retire(thread: Thread): void {
    this.#idle = this.#idle.filter((one) => one !== thread);
    this.#all.delete(thread);
    void thread.worker.terminate();
  }

  #replace(thread: Thread): void {
    this.#all.delete(thread);
    void thread.worker.terminate();
    // Started at once, so that the next job finds it loaded.
    if (!this.#closed) this.#giveBack(this.#start());
  }
}

/**
 * A parser in wasm that broke down on one text answers wrongly on every later one, so none is used again
 * that did not come to a plain end.
 */
function mayBeBroken(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('error' in value || 'unsupported' in value);
}

function once(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a parsing thread ended with ${code}`)));
  });
}

function work(
  worker: Worker,
  job: JobRequest,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Done<unknown>> {
  return new Promise((resolve) => {
    const end = (outcome: Done<unknown>): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(outcome);
    };
    const onMessage = (message: JobAnswer | 'ready'): void => {
      if (message !== 'ready') end(message);
    };
    const onError = (error: NodeJS.ErrnoException): void =>
      end(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? { outOfMemory: true } : { failure: messageOf(error) });
    const onExit = (code: number): void => end({ failure: `the parsing thread ended with ${code}` });
    const onAbort = (): void => end({ late: true });
    const timer = setTimeout(onAbort, timeoutMs);
    // Between the taking of a thread and this, a turn may have passed.
    if (signal.aborted) {
      end({ late: true });
      return;
    }
    worker.on('message', onMessage).once('error', onError).once('exit', onExit);
    signal.addEventListener('abort', onAbort, { once: true });
    worker.postMessage(job);
  });
}
