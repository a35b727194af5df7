/**
 * Starts the verification host. Prints one JSON line on stdout when it is ready; everything else goes
 * to stderr. Exit codes: 0 stopped, 1 failed, 2 bad usage, 3 no jail can be built here.
 */
import { type RunningHost, startHost } from './host.ts';
import { NoJail } from './jail/detect.ts';
import { killAllRooms } from './jail/run.ts';
import { log } from './log.ts';
import { type HostOptions, readOptions, USAGE } from './options.ts';
import { messageOf } from './text.ts';

// Rooms are built by other uids than ours and must be able to read what we write, whatever the caller's mask.
process.umask(0o022);

let host: RunningHost | undefined;
let stopping = false;

async function stop(reason: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log('stopping', { reason });
  killAllRooms();
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
    process.stderr.write(`assay host: ${messageOf(error)}\n`);
    process.exit(error instanceof NoJail ? 3 : 1);
  }
  if (stopping) {
    await host.stop();
    process.exit(0);
  }
  const { url, isolation, build } = host;
  process.stdout.write(`${JSON.stringify({ listening: url, jail: isolation.jail, build: build.id })}\n`);
}

await main();
