/**
 * Runs a room, and once more when something outside killed it. On a machine that is short of memory the
 * kernel may kill any room, and that must not become a verdict on a rule. What is killed a second time is
 * our side's failure, not the rule's. Nothing inside a room sends that signal (`room/runner.cjs`).
 */
import type { Jail, RoomSpec } from './jail/jail.ts';
import { type RoomExit, type RunOptions, runRoom } from './jail/run.ts';
import { log } from './log.ts';

const SIGKILL = 9;

/** The second run has the full time again: what was left of the first could be too little for a good check. */
export async function runUndisturbed(jail: Jail, spec: RoomSpec, options: RunOptions): Promise<RoomExit> {
  const exit = await runRoom(jail, spec, options);
  if (!wasKilledFromOutside(exit)) return exit;
  log('room.killed-from-outside', { command: spec.argv[0] });
  const again = await runRoom(jail, spec, options);
  return wasKilledFromOutside(again) ? { ...again, failure: 'the room was killed from outside' } : again;
}

export function wasKilledFromOutside(exit: RoomExit): boolean {
  return exit.killedFor === undefined && exit.signalled === SIGKILL;
}
