/** Killing a room from outside. Only ever aimed at process ids this host started. */
import { readFileSync } from 'node:fs';

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
