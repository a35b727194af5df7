/**
 * Measures the walls round a workerd process: runs the probe in a real one, beside listeners, a canary file
 * and a canary variable outside, and asks the kernel about the process where there is a /proc to ask.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Probe, untilSeen } from '../../container/isolation.ts';
import { type Door, type Doors, withOutside } from '../../container/jail/outside.ts';
import { waitForLeaf } from '../../container/jail/proc.ts';
import { SELF_TEST_TIMEOUT_MS } from '../../container/limits.ts';
import { log } from '../../container/log.ts';
import type { IsolationReport } from '../../container/protocol.ts';
import { randomName } from '../../container/temp.ts';
import { bundleOf } from '../bundle.ts';
import { toChecked } from '../exit.ts';
import { judgeProbe, PROBE_FILES, readProbe, type Surroundings } from '../isolation.ts';
import { roomScripts } from './room-scripts.ts';
import { runIsolate } from './run.ts';
import type { Runtime } from './tools.ts';

export async function measureIsolation(runtime: Runtime, hostDir: string): Promise<IsolationReport> {
  const dir = join(hostDir, randomName());
  mkdirSync(dir, { mode: 0o777 });
  const tempFile = `/tmp/assay-probe-${randomName()}`;
  // Everyone may read it: only the walls of the isolate are to stop the probe.
  const canaryFile = join(dir, 'canary');
  try {
    return await withOutside(canaryFile, async (canary, doors) => {
      const address = await openDoors(doors, join(dir, 'door'));
      const task = { canary, canaryFile, tempFile, hostPid: process.pid, ...address };
      const { probe, kernel, lookedUp } = await untilMeasured(() => probeOnce(runtime, hostDir, task));
      const surroundings = {
        jail: 'workerd',
        visits: doors.visits,
        lookedUp,
        leaked: existsSync(tempFile),
        kernel,
      } as const;
      log('self-test', { probe, ...surroundings });
      if (probe.showsCase === false) throw new Error('this workerd does not show a case as Node would');
      return judgeProbe(probe, surroundings);
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
    rmSync(tempFile, { force: true });
  }
}

async function openDoors(
  doors: Doors,
  path: string,
): Promise<{ readonly door: Door; readonly path: string }> {
  const door = await doors.tcp();
  await doors.udp(door);
  await doors.unix(path, { writableAll: true, readableAll: true });
  return { door, path };
}

/** There is a kernel, but the process was not there when it was asked: every flag false. */
export const NOT_ASKED = {
  environmentCleared: false,
  uidDropped: false,
  capabilitiesDropped: false,
  noNewPrivileges: false,
};

export interface Seen {
  readonly probe: Probe;
  readonly kernel: Surroundings['kernel'] | typeof NOT_ASKED;
  readonly lookedUp: boolean;
}

export function untilMeasured(tryOnce: () => Promise<Seen>): Promise<Seen> {
  return untilSeen(tryOnce, ({ kernel }) => kernel !== NOT_ASKED);
}

async function probeOnce(
  runtime: Runtime,
  hostDir: string,
  task: { readonly canary: string } & Readonly<Record<string, unknown>>,
): Promise<Seen> {
  const probe = readFileSync(join(import.meta.dirname, '../room/probe.mjs'), 'utf8');
  const bundle = bundleOf(roomScripts(), probe, PROBE_FILES);
  const token = randomName();
  const asksKernel = process.platform === 'linux';
  // Of a process that never listened the kernel was not asked.
  let kernel: Promise<Seen['kernel']> = Promise.resolve(asksKernel ? NOT_ASKED : undefined);
  const exit = await runIsolate(runtime, hostDir, bundle, {
    task: { token, matches: [task] },
    timeoutMs: SELF_TEST_TIMEOUT_MS,
    signal: new AbortController().signal,
    onStart: (pid) => {
      if (asksKernel) kernel = askKernel(pid, task.canary);
    },
  });
  const checked = toChecked(exit, token);
  if (checked.findings.length === 0) log('self-test.no-answer', { error: checked.error, exit });
  // A network that refuses says so after it has looked the name up.
  const lookedUp = /lookup address|connecting to \S+ is not allowed/.test(exit.complaint);
  return { probe: readProbe(checked), kernel: await kernel, lookedUp };
}

async function askKernel(pid: number, canary: string): Promise<Seen['kernel']> {
  const status = await waitForLeaf(pid, 'serve', SELF_TEST_TIMEOUT_MS);
  if (status === undefined) return NOT_ASKED;
  const environment = readOr(`/proc/${pid}/environ`);
  const [inheritable, permitted, effective, bounding, ambient] = status.capabilities;
  const isEmpty = (set: string | undefined): boolean => set !== undefined && /^0+$/.test(set);
  const privileges = status.noNewPrivileges;
  return {
    environmentCleared: environment !== undefined && !environment.includes(canary),
    uidDropped: status.uids.every((uid) => uid !== 0),
    // Only root can empty the bounding set; without new privileges nobody can gain from it.
    capabilitiesDropped:
      [inheritable, permitted, effective, ambient].every(isEmpty) && (isEmpty(bounding) || privileges),
    noNewPrivileges: privileges,
  };
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
