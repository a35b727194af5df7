/**
 * Threads that do the jobs, one job per thread at a time. A job that takes too long, or whose caller left,
 * ends its thread; the next job gets a new one.
 */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../container/text.ts';
import type { Jobs } from '../jobs.ts';
import { KITCHEN_HEAP_MIB, MAX_KITCHEN_JOBS } from '../limits.ts';
import type { JobAnswer, JobName, JobRequest } from './kitchen-thread.ts';

export type JobResult<Name extends JobName> =
  | { readonly value: Awaited<ReturnType<Jobs[Name]>> }
  | { readonly late: true }
  | { readonly outOfMemory: true }
  | { readonly failure: string };

interface Thread {
  readonly worker: Worker;
  jobs: number;
}

export class Kitchen {
  readonly #size: number;
  #idle: Thread[] = [];
  readonly #all = new Set<Thread>();
  readonly #waiting: ((thread: Thread) => void)[] = [];
  #closed = false;

  /** @param size threads at most */
  constructor(size: number) {
    this.#size = size;
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
    const thread = await this.#take();
    const outcome = await work(thread.worker, { name, args }, timeoutMs, signal);
    thread.jobs += 1;
    if ('value' in outcome && !mayBeBroken(outcome.value) && thread.jobs < MAX_KITCHEN_JOBS)
      this.#giveBack(thread);
    else this.#replace(thread);
    return outcome as JobResult<Name>;
  }

  async close(): Promise<void> {
    this.#closed = true;
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
      this.#all.delete(thread);
      this.#idle = this.#idle.filter((one) => one !== thread);
    });
    return thread;
  }

  async #take(): Promise<Thread> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#all.size < this.#size) return this.#start();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #giveBack(thread: Thread): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(thread);
    else next(thread);
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

type Outcome = { readonly late: true } | { readonly outOfMemory: true } | JobAnswer;

function work(worker: Worker, job: JobRequest, timeoutMs: number, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const end = (outcome: Outcome): void => {
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
    const timer = setTimeout(() => end({ late: true }), timeoutMs);
    worker.on('message', onMessage).once('error', onError).once('exit', onExit);
    signal.addEventListener('abort', onAbort, { once: true });
    worker.postMessage(job);
  });
}
