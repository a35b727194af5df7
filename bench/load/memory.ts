/**
 * Memory of everything that serves, below this process. What runs a single check comes and goes, so of two samples
 * only the processes that are in both count.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const KIB_PER_MIB = 1024;

interface Process {
  /** `workerd`, or the script that node runs. */
  readonly name: string;
  readonly mib: number;
}

export interface Sample {
  readonly ended: number;
  readonly processes: ReadonlyMap<number, Process>;
}

/** MiB for each that ended. A run's first half also fills heaps and caches, which is no cost of one more. */
export interface Growth {
  readonly second: number;
  readonly whole: number;
  /** Of the second half, by name of the program. */
  readonly parts: ReadonlyMap<string, number>;
}

/** What is there now, this process left out. */
export function sampleAt(ended: number): Sample {
  const parents = new Map(pids().map((pid) => [pid, parentOf(pid)]));
  const ours = [...parents.keys()].filter((pid) => below(process.pid, pid, parents));
  return {
    ended,
    processes: new Map(ours.map((pid) => [pid, { name: nameOf(pid), mib: residentMib(pid) }])),
  };
}

export function totalMib({ processes }: Sample): number {
  return [...processes.values()].reduce((sum, { mib }) => sum + mib, 0);
}

/** @param samples in order, the first before anything ended, the last after everything */
export function growthOf(samples: readonly Sample[]): Growth {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no samples');
  const half = samples.find(({ ended }) => ended >= last.ended / 2) ?? first;
  const parts = between(half, last);
  return { second: sum(parts), whole: sum(between(first, last)), parts };
}

function between(a: Sample, b: Sample): Map<string, number> {
  const parts = new Map<string, number>();
  for (const [pid, { name, mib }] of b.processes) {
    const before = a.processes.get(pid);
    if (before === undefined) continue;
    const grown = (mib - before.mib) / Math.max(1, b.ended - a.ended);
    parts.set(name, (parts.get(name) ?? 0) + grown);
  }
  return parts;
}

function sum(parts: ReadonlyMap<string, number>): number {
  return [...parts.values()].reduce((total, one) => total + one, 0);
}

function nameOf(pid: number): string {
  const [program = '', ...rest] = text(pid, 'cmdline').split('\0');
  const name = basename(program);
  if (name !== 'node') return name;
  return basename(rest.find((one) => /\.[cm]?[jt]s$/.test(one)) ?? name);
}

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(text(pid, 'status'))?.[1] ?? 0) / KIB_PER_MIB;
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function below(ancestor: number, pid: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (parents.get(at) === ancestor) return true;
  return false;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(text(pid, 'status'))?.[1] ?? 0);
}

function text(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
