/**
 * One state directory and the stack that lives on it, again and again: started, killed without warning at a
 * point, started on what is left. Callers of the API wait across deaths and ask again, as clients do.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../../cli/client.ts';
import { descendants, firstLine, startNode, untilGone } from '../support/processes.ts';
import { type Control, type Reached, startControl } from './control.ts';

const STACK = fileURLToPath(new URL('./stack-process.ts', import.meta.url));
const MOST_STARTS = 3;
const SWEEP_EVERY_MS = 500;
const ASK_AGAIN_MS = 100;
/** Of one request, in seconds of a machine that does other things too. */
const ANSWER_TIMEOUT_MS = 60_000;

interface Life {
  readonly url: string;
  readonly token: string;
  readonly client: ApiClient;
}

export class Lane {
  readonly stateDirectory: string;
  /** Every point reached, oldest first, with the life it was reached in. */
  readonly reached: (Reached & { readonly life: number; readonly atMs: number })[] = [];
  lives = 0;
  /** Whether to kill here; asked at every point while a stack runs. */
  shouldKill: (reached: Reached) => boolean = () => false;
  #control: Control | null = null;
  #child: ChildProcess | null = null;
  #life: Life | null = null;
  #died: PromiseWithResolvers<Reached> | null = null;
  readonly #modelUrl: string;

  constructor(stateDirectory: string, modelUrl: string) {
    this.stateDirectory = stateDirectory;
    this.#modelUrl = modelUrl;
  }

  /** Resolves when the stack answers; then interrupted work goes on. A busy machine may need more than one try. */
  async start(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#startOnce();
      } catch (error) {
        if (tries === MOST_STARTS) throw error;
      }
    }
  }

  async #startOnce(): Promise<void> {
    this.#control ??= await startControl((reached) => this.#onReached(reached));
    this.lives += 1;
    this.#died = Promise.withResolvers();
    const options = {
      stateDirectory: this.stateDirectory,
      modelUrl: this.#modelUrl,
      controlUrl: this.#control.url,
    };
    const child = startNode([STACK, JSON.stringify(options)]);
    this.#child = child;
    const dead = this.#died.promise.then(() => null);
    const line = await Promise.race([firstLine(child), dead]).catch((error: unknown) => {
      if (this.#child === child) throw error;
      return null;
    });
    // Killed while it was starting.
    if (line === null) return;
    const { url, token } = JSON.parse(line) as { url: string; token: string };
    this.#life = { url, token, client: new ApiClient({ url, token }) };
    void this.#sweep(this.#life);
  }

  /** The point at which this life ended; never, when it is not killed. */
  died(): Promise<Reached> {
    return this.#died?.promise ?? Promise.reject(new Error('there is no stack'));
  }

  async stop(): Promise<void> {
    this.#life = null;
    const child = this.#child;
    this.#child = null;
    if (child !== null) {
      const all = [child.pid ?? 0, ...descendants(child.pid ?? 0)];
      child.kill('SIGTERM');
      const left = await untilGone(all, 30_000);
      if (left.length > 0) throw new Error(`processes were left: ${left.join()}`);
    }
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#control?.close();
  }

  /** A client of the running stack; waits for one. */
  async client(): Promise<ApiClient> {
    return (await this.#alive()).client;
  }

  /** An answer below 500, asked for until there is one. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<{ status: number; body: unknown }> {
    for (;;) {
      const { url, token } = await this.#alive();
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        if (response.status < 500) return { status: response.status, body: JSON.parse(text) };
      } catch {
        // It died under us, or is about to.
      }
      await wait(ASK_AGAIN_MS);
    }
  }

  /** The body of a GET. */
  async read<T>(path: string): Promise<T> {
    return (await this.ask('GET', path)).body as T;
  }

  /** A public text, asked for until it is there. */
  async text(path: string): Promise<string> {
    for (;;) {
      const { url } = await this.#alive();
      try {
        const response = await fetch(`${url}${path}`);
        if (response.ok) return await response.text();
      } catch {
        // It died under us.
      }
      await wait(ASK_AGAIN_MS);
    }
  }

  async #alive(): Promise<Life> {
    while (this.#life === null) await wait(ASK_AGAIN_MS);
    return this.#life;
  }

  /** What cron does in production, sooner. */
  async #sweep(life: Life): Promise<void> {
    while (this.#life === life) {
      await fetch(`${life.url}/cdn-cgi/handler/scheduled`).catch(() => undefined);
      await wait(SWEEP_EVERY_MS);
    }
  }

  #onReached(reached: Reached): boolean {
    if (this.#child === null) return false;
    this.reached.push({ ...reached, life: this.lives, atMs: performance.now() });
    if (!this.shouldKill(reached)) return true;
    void this.#kill(reached);
    return false;
  }

  /** Everything we started, in one go; workerd first, which is where effects come from. */
  async #kill(reached: Reached): Promise<void> {
    const child = this.#child;
    const died = this.#died;
    this.#child = null;
    this.#life = null;
    const all = killAll(child?.pid);
    const left = await untilGone(all, 30_000);
    if (left.length > 0) died?.reject(new Error(`processes outlived kill -9: ${left.join()}`));
    else died?.resolve(reached);
  }
}

/**
 * Whoever starts processes is stopped before the last look at what there is: a wrangler that was just starting a
 * workerd, or saw one die, would leave one that nobody knows. Returns all of them.
 */
function killAll(root: number | undefined): number[] {
  if (root === undefined) return [];
  const family = () => [root, ...descendants(root)];
  for (const pid of family().filter((one) => commandOf(one).includes('workerd'))) signal(pid, 'SIGKILL');
  const stopped = new Set<number>();
  for (let found = family(); found.some((pid) => !stopped.has(pid)); found = family()) {
    for (const pid of found.filter((one) => !stopped.has(one))) {
      signal(pid, 'SIGSTOP');
      stopped.add(pid);
    }
  }
  for (const pid of stopped) signal(pid, 'SIGKILL');
  return [...stopped];
}

function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP'): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone with its parent.
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
