/**
 * Runs a command as the leader of its own process group and ends the whole group when this process is
 * told to stop or when its standard input closes, which is what happens when its parent is killed.
 * Started by `startGuarded`; not meant to be run by hand.
 */
import { spawn } from 'node:child_process';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('guarded: no command given');

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });

function killGroup(): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

process.stdin.resume().on('end', killGroup);
// Asked to stop, the leader is asked alone: it ends its own children and sees them gone, and whatever it
// leaves is killed below.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.on(signal, () => child.kill('SIGTERM'));
child.on('exit', (code) => {
  // Whatever the leader left behind goes with it.
  killGroup();
  process.exit(code ?? 1);
});
