/**
 * Runs something, and once more when something outside killed it. On a machine that is short of memory the
 * kernel may kill any room or isolate, and that must not become a verdict on a rule. What is killed a second
 * time is our side's failure, not the rule's. Nothing inside a room sends that signal (`room/runner.cjs`).
 */
import type { Jail, RoomSpec } from './jail/jail.ts';
import { type RoomExit, type RunOptions, runRoom } from './jail/run.ts';
import { log } from './log.ts';

const SIGKILL = 9;

export function runUndisturbed(jail: Jail, spec: RoomSpec, options: RunOptions): Promise<RoomExit> {
  const run = (): Promise<RoomExit> => runRoom(jail, spec, options);
  return undisturbed('room', run, wasKilledFromOutside, { command: spec.argv[0] });
}

export function wasKilledFromOutside(exit: RoomExit): boolean {
  return exit.killedFor === undefined && exit.signalled === SIGKILL;
}

/** The second run has the full time again: what was left of the first could be too little for a good check. */
export async function undisturbed<Exit extends { readonly failure: string | undefined }>(
  what: 'room' | 'isolate',
  run: () => Promise<Exit>,
  wasKilled: (exit: Exit) => boolean,
  logged: Readonly<Record<string, unknown>> = {},
): Promise<Exit> {
  const exit = await run();
  if (!wasKilled(exit)) return exit;
  log(`${what}.killed-from-outside`, logged);
  const again = await run();
  return wasKilled(again) ? { ...again, failure: `the ${what} was killed from outside` } : again;
}
