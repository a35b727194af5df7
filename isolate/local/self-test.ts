/**
 * Measures the walls round a workerd process: runs the probe in a real one, beside listeners, a canary file
 * and a canary variable outside, and asks the kernel about the process where there is a /proc to ask.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
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

const CANARY_VARIABLE = 'ASSAY_CANARY';

export async function measureIsolation(runtime: Runtime, hostDir: string): Promise<IsolationReport> {
  const canary = randomBytes(16).toString('hex');
  const dir = join(hostDir, randomName());
  mkdirSync(dir, { mode: 0o777 });
  // Everyone may read and write it: only the walls of the isolate are to stop the probe.
  const canaryFile = join(dir, 'canary');
  writeFileSync(canaryFile, canary, { mode: 0o666 });
  const tempFile = `/tmp/assay-probe-${randomName()}`;
  const doors = await openDoors(join(dir, 'door'));
  process.env[CANARY_VARIABLE] = canary;
  try {
    const task = { canary, canaryFile, tempFile, hostPid: process.pid, ...doors.address };
    const { probe, kernel, lookedUp } = await untilMeasured(() => probeOnce(runtime, hostDir, task));
    const surroundings = {
      jail: 'workerd',
      visits: doors.visits(),
      lookedUp,
      leaked: existsSync(tempFile),
      kernel,
    } as const;
    log('self-test', { probe, ...surroundings });
    if (probe.showsCase === false) throw new Error('this workerd does not show a case as Node would');
    return judgeProbe(probe, surroundings);
  } finally {
    delete process.env[CANARY_VARIABLE];
    doors.close();
    rmSync(dir, { recursive: true, force: true });
    rmSync(tempFile, { force: true });
  }
}

/** There is a kernel, but the process was not there when it was asked: every flag false. */
export const NOT_ASKED = {
  environmentCleared: false,
  uidDropped: false,
  capabilitiesDropped: false,
  noNewPrivileges: false,
};

export interface Seen {
  readonly probe: Readonly<Record<string, unknown>>;
  readonly kernel: Surroundings['kernel'] | typeof NOT_ASKED;
  readonly lookedUp: boolean;
}

/**
 * On a busy machine a probe may run out of time, or be gone before the kernel was asked about it: then nothing
 * was measured, which is tried again. What was measured stands, whatever it is.
 */
const MOST_TRIES = 3;

export async function untilMeasured(tryOnce: () => Promise<Seen>): Promise<Seen> {
  let seen = await tryOnce();
  for (let tries = 1; tries < MOST_TRIES && !wasMeasured(seen); tries += 1) seen = await tryOnce();
  return seen;
}

function wasMeasured({ probe, kernel }: Seen): boolean {
  return Object.keys(probe).length > 0 && kernel !== NOT_ASKED;
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

/** Listeners outside the isolate, as the host's own port is: TCP and UDP, and a unix socket. */
async function openDoors(path: string): Promise<{
  readonly address: { readonly port: number; readonly path: string };
  visits(): number;
  close(): void;
}> {
  let visits = 0;
  const open = (listen: (server: Server) => void): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        visits += 1;
        socket.destroy();
      });
      server.once('error', reject).once('listening', () => resolve(server));
      listen(server);
    });
  const tcp = await open((server) => server.listen(0, '127.0.0.1'));
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4').on('message', () => {
    visits += 1;
  });
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  const local = await open((server) => server.listen({ path, writableAll: true, readableAll: true }));
  return {
    address: { port, path },
    visits: () => visits,
    close: () => {
      tcp.close();
      udp.close();
      local.close();
    },
  };
}
