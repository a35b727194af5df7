/** Killing a room from outside. Only ever aimed at process ids this host started, or at uids it gave out. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEATH_GRACE_MS } from '../limits.ts';
import { userArgs } from './jail.ts';
import type { Tools } from './tools.ts';

/**
 * Kills the room's pid 1, and with it everything inside. Its parent (unshare, bwrap) then reaps it and
 * ends by itself; killing the parent would leave the dead room to the machine's init to reap.
 */
export function killRoom(pid: number): void {
  const inits = childrenOf(pid);
  for (const init of inits) sendKill(init);
  if (inits.length === 0) killGroup(pid);
}

export function killGroup(pid: number): void {
  sendKill(-pid);
  sendKill(pid);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number).filter(Boolean);
  } catch {
    return [];
  }
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/**
 * Kills every process of `uid`; true when none was left in the end. A process of that uid sends the signals: one
 * kill(-1) reaches all of them in one step of the kernel, so none can fork out of its way. It may be killed by
 * them first; the sweep of /proc and the next round are for that.
 */
export async function killUid(uid: number, tools: Tools): Promise<boolean> {
  const until = performance.now() + DEATH_GRACE_MS;
  for (;;) {
    const alive = processesOf(uid);
    if (alive.length === 0) return true;
    if (performance.now() > until) return false;
    await killAllAs(uid, tools);
    for (const pid of processesOf(uid)) sendKill(pid);
    await sleep(10);
  }
}

function killAllAs(uid: number, tools: Tools): Promise<void> {
  return new Promise((resolve) => {
    const drop = [...userArgs(uid), '--no-new-privs'];
    const child = spawn(tools.setpriv, [...drop, tools.sh, '-c', 'kill -s KILL -- -1'], {
      stdio: 'ignore',
      env: {},
    });
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}

/** By the kernel's own list, zombies aside: they are dead, and their parents' business. */
function processesOf(uid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const uids = /^Uid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? [];
        return uids.includes(uid) && !/^State:\s*[ZX]/m.test(status);
      } catch {
        return false;
      }
    });
}
