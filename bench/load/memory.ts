/** Memory of the workerds that serve, which are told from those that run checks by who started them. */
import { readdirSync, readFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

export interface Sample {
  readonly ended: number;
  readonly mib: number;
}

/** MiB for each that ended. A run's first half also fills heaps and caches, which is no cost of one more. */
export interface Growth {
  readonly second: number;
  readonly whole: number;
}

/** @param samples in order, the first before anything ended, the last after everything */
export function growthOf(samples: readonly Sample[]): Growth {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no samples');
  const half = samples.find(({ ended }) => ended >= last.ended / 2) ?? first;
  const between = (a: Sample, b: Sample) => (b.mib - a.mib) / Math.max(1, b.ended - a.ended);
  return { second: between(half, last), whole: between(first, last) };
}

/** What the workerds that a wrangler below us serves from have resident: the Worker's own, and the one in front of it. */
export function servingMib(): number {
  return servingWorkerds().reduce((sum, pid) => sum + residentMib(pid), 0);
}

function servingWorkerds(): number[] {
  return pids().filter((pid) => {
    if (!/\bworkerd\b/.test(commandLine(pid)) || !below(process.pid, pid)) return false;
    return commandLine(parentOf(pid)).includes('wrangler');
  });
}

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(text(pid, 'status'))?.[1] ?? 0) / KIB_PER_MIB;
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function below(ancestor: number, pid: number): boolean {
  for (let at = pid; at > 1; at = parentOf(at)) if (at === ancestor) return true;
  return false;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(text(pid, 'status'))?.[1] ?? 0);
}

function commandLine(pid: number): string {
  return text(pid, 'cmdline').replaceAll('\0', ' ');
}

function text(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
