/** Starts the verification host. Exit codes: 0 stopped, 1 failed, 2 bad usage, 3 no jail can be built here. */
import { startHost } from './host.ts';
import { NoJail } from './jail/detect.ts';
import { killAllRooms } from './jail/run.ts';
import { readOptions, USAGE } from './options.ts';
import { runHost } from './run-host.ts';

await runHost({
  name: 'assay host',
  usage: USAGE,
  options: (args) => readOptions(args, process.env),
  start: startHost,
  killAll: killAllRooms,
  exitCodeOf: (error) => (error instanceof NoJail ? 3 : 1),
});
