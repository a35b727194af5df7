/**
 * The life of a host as a program, whatever its back end: command line, ready line, signals, end. Prints one
 * JSON line on stdout when the host is ready; everything else goes to stderr. Exit codes: 0 stopped,
 * 2 bad usage, else what the program says of the failure.
 */
import type { RunningHost } from './listen.ts';
import { log } from './log.ts';
import type { HostOptions } from './options.ts';
import { messageOf } from './text.ts';

export interface HostProgram {
  /** Begins the line that says why the host could not start. */
  readonly name: string;
  readonly usage: string;
  /** @throws Error that tells what is wrong with the command line */
  options(args: readonly string[]): HostOptions;
  start(options: HostOptions): Promise<RunningHost>;
  /** At once, before the host is taken apart: whatever runs untrusted code. */
  killAll(): void;
  /** Exit code when the host could not start. */
  exitCodeOf(error: unknown): number;
}

export async function runHost(program: HostProgram): Promise<void> {
  // What we write is read under other uids than ours; modes must not depend on the caller's mask.
  process.umask(0o022);
  const options = optionsOf(program);
  let host: RunningHost | undefined;
  let stopping = false;
  const stop = async (reason: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log('stopping', { reason });
    program.killAll();
    await host?.stop();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop('SIGTERM'));
  process.once('SIGINT', () => void stop('SIGINT'));
  if (options.exitWithStdin) {
    process.stdin.on('end', () => void stop('stdin closed'));
    process.stdin.on('error', () => void stop('stdin failed'));
    process.stdin.resume();
  }
  try {
    host = await program.start(options);
  } catch (error) {
    process.stderr.write(`${program.name}: ${messageOf(error)}\n`);
    process.exit(program.exitCodeOf(error));
  }
  if (stopping) {
    await host.stop();
    process.exit(0);
  }
  const { url, isolation, build } = host;
  process.stdout.write(`${JSON.stringify({ listening: url, jail: isolation.jail, build: build.id })}\n`);
}

function optionsOf({ options, usage }: HostProgram): HostOptions {
  try {
    return options(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n${usage}\n`);
    process.exit(2);
  }
}
