/** `assay replay --watch` as a process whose answers can be waited for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { z } from 'zod';
import { descendants, untilGone } from '../support/processes.ts';
import { ASSAY } from './support.ts';

export const replayDocument = z.object({
  run: z.number().optional(),
  attempt: z.number(),
  verdict: z.string(),
  agrees: z.boolean().nullable(),
  edited: z.boolean(),
  sandbox: z.string(),
  stored: z.object({ verdict: z.string() }).nullable(),
  cases: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      agrees: z.boolean().nullable(),
      matches: z.array(z.object({ file: z.string(), captures: z.record(z.string(), z.string()) })),
      findings: z.array(z.object({ file: z.string() })),
      console: z.string(),
      error: z.object({ message: z.string() }).optional(),
    }),
  ),
});
export type ReplayDocument = z.infer<typeof replayDocument>;

/** A watch under way, its answers one by one. */
export class Watch {
  readonly #child: ChildProcess;
  readonly #closed: Promise<number | null>;
  readonly #lines: unknown[] = [];
  #wake: () => void = () => undefined;

  constructor(cwd: string, env: Readonly<Record<string, string>>, ...args: string[]) {
    this.#child = spawn(process.execPath, [ASSAY, 'replay', ...args, '--watch', '--json'], {
      cwd,
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#closed = new Promise((resolve) => this.#child.once('close', resolve));
    if (this.#child.stdout === null) throw new Error('no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line));
      this.#wake();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next answer that fits; those before it are passed over. */
  async until<T extends z.ZodType>(schema: T): Promise<z.output<T>> {
    const passed: unknown[] = [];
    const late = AbortSignal.timeout(60_000);
    for (;;) {
      while (this.#lines.length > 0) {
        const line = this.#lines.shift();
        const parsed = schema.safeParse(line);
        if (parsed.success) return parsed.data;
        passed.push(line);
      }
      if (late.aborted) throw new Error(`no such answer among ${JSON.stringify(passed)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  verdict(verdict: string): Promise<ReplayDocument> {
    return this.until(replayDocument.extend({ verdict: z.literal(verdict) }));
  }

  /** Its exit code, and what it left behind. */
  async end(signal: NodeJS.Signals): Promise<{ code: number | null; left: number[] }> {
    const pids = [this.pid, ...descendants(this.pid)];
    expect(pids.length).toBeGreaterThan(1);
    this.#child.kill(signal);
    return { code: await this.#closed, left: await untilGone(pids) };
  }
}
