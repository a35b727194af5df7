/**
 * Reads the kernel's own account of a process inside a room, from outside. Used by the self-test
 * only: a probe's word about its capabilities would be worth less.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessStatus {
  /** Real, effective, saved and file system uid, as the host sees them. */
  readonly uids: readonly number[];
  /** Inheritable, permitted, effective, bounding and ambient sets, hexadecimal. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly ownPidNamespace: boolean;
}

/** Waits until a descendant of `root` runs `script`, and returns its status. */
export async function waitForLeaf(
  root: number,
  script: string,
  timeoutMs: number,
): Promise<ProcessStatus | undefined> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    await sleep(20);
    const found = descendants(root).find((pid) =>
      readOr(`/proc/${pid}/cmdline`).split('\0')[1]?.endsWith(script),
    );
    if (found !== undefined) return statusOf(found);
    if (readOr(`/proc/${root}/status`) === '') return undefined;
  }
  return undefined;
}

function statusOf(pid: number): ProcessStatus | undefined {
  const text = readOr(`/proc/${pid}/status`);
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  const capabilities = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(field);
  if (capabilities.includes('')) return undefined;
  return {
    uids: field('Uid').split(/\s+/).map(Number),
    capabilities,
    noNewPrivileges: field('NoNewPrivs') === '1',
    // One number for each pid namespace it is in. The links in /proc/<pid>/ns would need CAP_SYS_PTRACE, which
    // root in a container has not.
    ownPidNamespace: namespaceDepth(text) > namespaceDepth(readOr('/proc/self/status')),
  };
}

function namespaceDepth(status: string): number {
  return /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/).length ?? 0;
}

export function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = /^PPid:\s*(\d+)$/m.exec(readOr(`/proc/${pid}/status`))?.[1];
    if (parent !== undefined) parents.set(pid, Number(parent));
  }
  const found = new Set([root]);
  // A child may be listed before its parent, so repeat until nothing is added.
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
