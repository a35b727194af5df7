/**
 * Runs a room, and once more when something outside killed it. On a machine that is short of memory the
 * kernel may kill any room, and that must not become a verdict on a rule. What is killed a second time is
 * our side's failure, not the rule's. A check that kills itself says so first (`room/runner.cjs`).
 */
import { announcesKill } from './findings.ts';
import type { Jail, RoomSpec } from './jail/jail.ts';
import { type RoomExit, type RunOptions, runRoom } from './jail/run.ts';
import { log } from './log.ts';

const SIGKILL = 9;

/**
 * The second run has the full time again: what was left of the first could be too little for a good check.
 * @param token of the runner's frames; absent when what runs cannot kill itself
 */
export async function runUndisturbed(
  jail: Jail,
  spec: RoomSpec,
  options: RunOptions,
  token?: string,
): Promise<RoomExit> {
  const exit = await runRoom(jail, spec, options);
  if (!wasKilledFromOutside(exit, token)) return exit;
  log('room.killed-from-outside', { command: spec.argv[0] });
  const again = await runRoom(jail, spec, options);
  return wasKilledFromOutside(again, token)
    ? { ...again, failure: 'the room was killed from outside' }
    : again;
}

export function wasKilledFromOutside(exit: RoomExit, token?: string): boolean {
  if (exit.killedFor !== undefined || exit.signalled !== SIGKILL) return false;
  return token === undefined || !announcesKill(exit.result, token);
}
