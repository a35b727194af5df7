/** Starts the verification host of this checkout on loopback for one command, and ends it whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UsageError } from './exit.ts';

const HOST_MAIN = fileURLToPath(new URL('../container/main.ts', import.meta.url));
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
/** The host's exit code when no room can be built on this machine. */
const NO_JAIL_EXIT = 3;
const ready = z.object({ listening: z.string(), build: z.string() });

export interface VerificationHost {
  readonly url: string;
  readonly token: string;
  readonly buildId: string;
  stop(): Promise<void>;
}

/** @throws UsageError NO_JAIL with what to install, SANDBOX_UNAVAILABLE when it does not start */
export async function startVerificationHost(): Promise<VerificationHost> {
  const token = randomBytes(24).toString('hex');
  const child = spawn(process.execPath, [HOST_MAIN, '--port', '0', '--exit-with-stdin'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ASSAY_HOST_TOKEN: token },
    // A Ctrl-C in the terminal is for us; we stop the host ourselves.
    detached: true,
  });
  let errors = '';
  child.stderr?.on('data', (part: Buffer) => {
    errors = (errors + part.toString()).slice(-8_000);
  });
  const { listening: url, build: buildId } = await firstLine(child, () => errors);
  return { url, token, buildId, stop: () => stop(child) };
}

function firstLine(child: ChildProcess, errors: () => string): Promise<z.infer<typeof ready>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new UsageError('SANDBOX_UNAVAILABLE', 'the verification host did not start in time'));
    }, START_TIMEOUT_MS);
    child.once('exit', (code) => {
      clearTimeout(timer);
      const [message, ...rest] = errors().trim().split('\n');
      if (code === NO_JAIL_EXIT) reject(new UsageError('NO_JAIL', message ?? '', rest.join('\n  ')));
      else
        reject(
          new UsageError(
            'SANDBOX_UNAVAILABLE',
            `the verification host ended with code ${code}: ${errors().trim()}`,
          ),
        );
    });
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve(ready.parse(JSON.parse(line)));
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}
