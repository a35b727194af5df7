/** What processes take at most, by the kernel's own count, looked at while they run. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Peak {
  /** Highest resident set of the process itself, in bytes. */
  own: number;
  /** Highest resident set of any process below it. */
  child: number;
}

const LOOK_EVERY_MS = 30;

/** @returns ends the watch */
export function watchMemory(pid: number, peak: Peak): () => void {
  const timer = setInterval(() => {
    peak.own = Math.max(peak.own, statusBytes(pid, 'VmHWM'));
    for (const child of below(pid)) peak.child = Math.max(peak.child, statusBytes(child, 'VmHWM'));
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

function below(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), statusNumber(Number(name), 'PPid'));
  }
  const found = new Set([pid]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [child, parent] of parents) if (found.has(parent)) found.add(child);
  }
  found.delete(pid);
  return [...found];
}

function statusBytes(pid: number, field: string): number {
  return statusNumber(pid, field) * 1024;
}

function statusNumber(pid: number, field: string): number {
  try {
    return Number(
      new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0,
    );
  } catch {
    return 0;
  }
}
