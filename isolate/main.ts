/**
 * Starts the local isolate host. Same command line, ready line and wire as `container/main.ts`; the options
 * that choose a jail, a path of ast-grep or ready rooms mean nothing here. Exit codes: 0 stopped, 1 failed,
 * 2 bad usage.
 */
import { log } from '../container/log.ts';
import { type HostOptions, readOptions, USAGE } from '../container/options.ts';
import { messageOf } from '../container/text.ts';
import { type RunningHost, startHost } from './host.ts';
import { killAllIsolates } from './local/run.ts';

// Isolates run as other users than ours; their folders' modes must not depend on the caller's mask.
process.umask(0o022);

let host: RunningHost | undefined;
let stopping = false;

async function stop(reason: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log('stopping', { reason });
  killAllIsolates();
  await host?.stop();
  process.exit(0);
}

function options(): HostOptions {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n${USAGE}\n`);
    process.exit(2);
  }
}

async function main(): Promise<void> {
  const chosen = options();
  process.once('SIGTERM', () => void stop('SIGTERM'));
  process.once('SIGINT', () => void stop('SIGINT'));
  if (chosen.exitWithStdin) {
    process.stdin.on('end', () => void stop('stdin closed'));
    process.stdin.on('error', () => void stop('stdin failed'));
    process.stdin.resume();
  }
  try {
    host = await startHost(chosen);
  } catch (error) {
    process.stderr.write(`assay isolate host: ${messageOf(error)}\n`);
    process.exit(1);
  }
  if (stopping) {
    await host.stop();
    process.exit(0);
  }
  const { url, isolation, build } = host;
  process.stdout.write(`${JSON.stringify({ listening: url, jail: isolation.jail, build: build.id })}\n`);
}

await main();
