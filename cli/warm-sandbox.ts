/**
 * One sandbox over several verifications: opened by the first, kept warm, opened again when it was lost,
 * and always ended: by the caller, by Ctrl-C or by SIGTERM, whatever was under way then.
 */
import { constants } from 'node:os';
import { Fault } from '../src/errors.ts';
import type { Sandbox } from '../src/sandboxes/sandbox.ts';
import { verifyAll } from '../src/sandboxes/verify-all.ts';
import type { Report, SandboxKind } from '../src/schema/report.ts';
import type { RuleCase } from '../src/schema/request.ts';
import { type OpenSandbox, openSandbox } from './open-sandbox.ts';

export class WarmSandbox {
  #open: Promise<OpenSandbox> | null = null;
  #ending = false;

  /** @throws UsageError see {@link openSandbox} */
  async start(kind: SandboxKind): Promise<Sandbox> {
    this.#open ??= openSandbox(kind);
    try {
      return (await this.#open).sandbox;
    } catch (error) {
      this.#open = null;
      throw error;
    }
  }

  /** @throws UsageError see {@link openSandbox}; Fault see {@link Sandbox.verify} */
  async verify(
    kind: SandboxKind,
    rule: Parameters<typeof verifyAll>[1],
    cases: readonly RuleCase[],
    caseTimeoutMs: number,
  ): Promise<Report> {
    const sandbox = await this.start(kind);
    try {
      return await verifyAll(sandbox, rule, cases, caseTimeoutMs);
    } catch (error) {
      // We end it ourselves, and the process with it: what failed for that is no news to anybody.
      if (this.#ending) return new Promise<never>(() => undefined);
      // Whatever made it unavailable, the next verification gets a new one.
      if (error instanceof Fault && error.code === 'SANDBOX_UNAVAILABLE') await this.stop();
      throw error;
    }
  }

  /** Stops it for good; a verification under way is never heard of again. */
  end(): Promise<void> {
    this.#ending = true;
    return this.stop();
  }

  async stop(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await open?.then(
      (one) => one.stop(),
      () => undefined,
    );
  }
}

/** Runs `body`; ends its sandbox afterwards, or at a signal, and then the process with 128 and its number. */
export async function withSandbox<T>(body: (sandbox: WarmSandbox) => Promise<T>): Promise<T> {
  const sandbox = new WarmSandbox();
  const onSignal = (signal: 'SIGINT' | 'SIGTERM') =>
    void sandbox.end().finally(() => process.exit(128 + constants.signals[signal]));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await body(sandbox);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await sandbox.stop();
  }
}
