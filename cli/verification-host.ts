/**
 * Starts a verification host of this checkout on loopback for one command, and ends it whatever happens:
 * the one that runs rules in rooms, or another program that takes the same arguments, prints the same
 * ready line and speaks the same protocol.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UsageError } from './exit.ts';

const HOST_MAIN = fileURLToPath(new URL('../container/main.ts', import.meta.url));
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const KEPT_ERROR_CHARS = 8_000;
/** A host's exit code when this machine lacks what it needs. */
const NO_JAIL_EXIT = 3;
const ready = z.object({ listening: z.string(), build: z.string() });

export interface VerificationHost {
  readonly url: string;
  readonly token: string;
  readonly buildId: string;
  stop(): Promise<void>;
}

/** A host that runs as a child of this process. */
export interface LocalHost extends VerificationHost {
  readonly pid: number;
  /** Resolves when it has ended, asked to or not. */
  readonly exited: Promise<void>;
}

export interface HostProgram {
  /** File to run; the host that builds rooms when absent. */
  readonly main?: string;
  /** Further arguments for it. */
  readonly args?: readonly string[];
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** A fresh one when absent. */
  readonly token?: string;
}

/** @throws UsageError NO_JAIL with what to install, SANDBOX_UNAVAILABLE when it does not start */
export async function startVerificationHost(program: HostProgram = {}): Promise<LocalHost> {
  const { main = HOST_MAIN, args = [], port = 0, token = randomBytes(24).toString('hex') } = program;
  const child = spawn(process.execPath, [main, '--port', String(port), '--exit-with-stdin', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ASSAY_HOST_TOKEN: token },
    // A Ctrl-C in the terminal is for us; we stop the host ourselves.
    detached: true,
  });
  let errors = '';
  child.stderr?.on('data', (part: Buffer) => {
    errors = (errors + part.toString()).slice(-KEPT_ERROR_CHARS);
  });
  try {
    const { listening: url, build: buildId } = await firstLine(child, () => errors.trim());
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    return { url, token, buildId, pid: child.pid ?? 0, exited, stop: () => stop(child) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function firstLine(child: ChildProcess, errors: () => string): Promise<z.infer<typeof ready>> {
  return new Promise((resolve, reject) => {
    const giveUp = (why: string) => {
      clearTimeout(timer);
      const said = errors().split('\n').at(-1);
      const message = `the verification host ${why}${said ? `: ${said}` : ''}`;
      reject(
        new UsageError('SANDBOX_UNAVAILABLE', message, 'run it again; if it stays so, try another --sandbox'),
      );
    };
    const timer = setTimeout(() => giveUp('did not start in time'), START_TIMEOUT_MS);
    child.once('error', (error) => giveUp(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      if (code !== NO_JAIL_EXIT) return giveUp(`ended with ${code ?? signal}`);
      clearTimeout(timer);
      const [message, ...rest] = errors().split('\n');
      reject(new UsageError('NO_JAIL', message ?? '', rest.join('\n  ')));
    });
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).once('line', (line) => {
      const parsed = readReady(line);
      if (parsed === null) return giveUp('did not print its ready line');
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve(parsed);
    });
  });
}

function readReady(line: string): z.infer<typeof ready> | null {
  try {
    return ready.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}
