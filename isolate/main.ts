/**
 * Starts the local isolate host. Ready line, wire and command line are those of `container/main.ts`, but for
 * options of rooms, which are refused: who asks for a jail is not to get something else. Exit codes: 0
 * stopped, 1 failed, 2 bad usage.
 */
import { log } from '../container/log.ts';
import { type HostOptions, readOptions } from '../container/options.ts';
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

const USAGE = `usage: main.ts [--port N] [--bind ADDRESS] [--exit-with-stdin]
environment: ASSAY_HOST_PORT, ASSAY_HOST_BIND, ASSAY_HOST_TOKEN`;

function options(): HostOptions {
  const args = process.argv.slice(2);
  try {
    const ofRooms = args.find((arg) => /^--(?:jail|ast-grep|ready-rooms)(?:=|$)/.test(arg));
    if (ofRooms !== undefined) throw new Error(`${ofRooms} is for a host of rooms; isolates have none`);
    return readOptions(args, process.env);
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
