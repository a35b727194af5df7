/** Starting and ending child processes so that none is left, whatever happens to us. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const GUARD = fileURLToPath(new URL('./guarded.ts', import.meta.url));
const STOP_TIMEOUT_MS = 5_000;
const KEPT_LOG_CHARS = 200_000;

export interface Guarded {
  /** What it printed lately, both streams. */
  log(): string;
  exited(): boolean;
  stop(): Promise<void>;
}

export function startGuarded(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onLog?: (text: string) => void,
): Guarded {
  const child = spawn(process.execPath, [GUARD, command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
    // A Ctrl-C in the terminal is for us; we stop our children in order.
    detached: true,
  });
  let log = '';
  const keep = (part: Buffer) => {
    const text = part.toString();
    log = (log + text).slice(-KEPT_LOG_CHARS);
    onLog?.(text);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return {
    log: () => log,
    exited: () => child.exitCode !== null || child.signalCode !== null,
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  // Closing its input makes the guard kill the group outright.
  const timer = setTimeout(() => child.stdin?.end(), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}

/** Linux gives out ports from 32768, macOS and Windows from 49152 to whoever asks for any. */
const OWN_PORTS = { first: 10_000, end: 32_768 };

/**
 * A port that nobody is given who asks for any: it stays free until it is used, and who still knocks at a server
 * that has ended does not find another one there.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(OWN_PORTS.first, OWN_PORTS.end);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
