/**
 * Memory of everything that serves, below this process. What runs a single check comes and goes, so of two samples
 * only the processes that are in both count.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { descendants } from '../../test/support/processes.ts';
import { statusBytes } from '../peak-memory.ts';

const BYTES_PER_MIB = 1024 * 1024;

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
  const look = (pid: number) => ({ name: nameOf(pid), mib: statusBytes(pid, 'VmRSS') / BYTES_PER_MIB });
  return { ended, processes: new Map(descendants(process.pid).map((pid) => [pid, look(pid)])) };
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
  const [program = '', ...rest] = commandLine(pid).split('\0');
  const name = basename(program);
  if (name !== 'node') return name;
  return basename(rest.find((one) => /\.[cm]?[jt]s$/.test(one)) ?? name);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
