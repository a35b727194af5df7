/** What processes take at most, by the kernel's own count, looked at while they run. */
import { readFileSync } from 'node:fs';
import { descendants } from '../test/support/processes.ts';

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
    for (const child of descendants(pid)) peak.child = Math.max(peak.child, statusBytes(child, 'VmHWM'));
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** Of what the kernel says of a process in kB; 0 when it has ended. */
export function statusBytes(pid: number, field: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
