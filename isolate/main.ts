/**
 * Starts the local isolate host. Ready line, wire and command line are those of `container/main.ts`, but for
 * options of rooms, which are refused: who asks for a jail is not to get something else. Exit codes: 0
 * stopped, 1 failed, 2 bad usage.
 */
import { type HostOptions, readOptions } from '../container/options.ts';
import { runHost } from '../container/run-host.ts';
import { startHost } from './host.ts';
import { killAllIsolates } from './local/run.ts';

const USAGE = `usage: main.ts [--port N] [--bind ADDRESS] [--exit-with-stdin]
environment: ASSAY_HOST_PORT, ASSAY_HOST_BIND, ASSAY_HOST_TOKEN`;

function options(args: readonly string[]): HostOptions {
  const ofRooms = args.find((arg) => /^--(?:jail|ast-grep|ready-rooms)(?:=|$)/.test(arg));
  if (ofRooms !== undefined) throw new Error(`${ofRooms} is for a host of rooms; isolates have none`);
  return readOptions(args, process.env);
}

await runHost({
  name: 'assay isolate host',
  usage: USAGE,
  options,
  start: startHost,
  killAll: killAllIsolates,
  exitCodeOf: () => 1,
});
