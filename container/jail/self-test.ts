/**
 * Measures the walls instead of assuming them: runs a probe as the jailed user in a real room, beside
 * a listener, a canary file and a canary variable outside, and asks the kernel (not the probe) for the
 * probe's uid, capabilities and no_new_privs. A wall counts as standing only when its attack was seen
 * to fail the way the wall makes it fail; no answer, a time-out or a crash counts as fallen.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { CHECK_ROOM, MAX_CONSOLE_BYTES, MAX_OUTPUT_BYTES, SELF_TEST_TIMEOUT_MS } from '../limits.ts';
import { log } from '../log.ts';
import { ISOLATION_FLAGS, type IsolationFlag, type IsolationReport } from '../protocol.ts';
import { randomName } from '../temp.ts';
import { type Jail, ROOM } from './jail.ts';
import { type ProcessStatus, waitForLeaf } from './proc.ts';
import { runRoom } from './run.ts';

const CANARY_VARIABLE = 'ASSAY_CANARY';

export async function measureIsolation(jail: Jail, hostDir: string): Promise<IsolationReport> {
  const canary = randomBytes(16).toString('hex');
  const dir = join(hostDir, randomName());
  const rooms = { case: join(dir, 'case'), rule: join(dir, 'rule'), canary: join(dir, 'canary') };
  for (const folder of Object.values(rooms)) mkdirSync(folder, { recursive: true, mode: 0o777 });
  // World-writable and world-readable on purpose: only the walls of the room may stop the probe.
  writeFileSync(join(rooms.canary, 'file'), canary, { mode: 0o666 });
  writeFileSync(join(rooms.case, 'file'), 'case', { mode: 0o666 });
  chmodAll(rooms);
  const doors = await openDoors();
  process.env[CANARY_VARIABLE] = canary;
  try {
    const seen = await runProbe(jail, rooms, {
      canary,
      canaryFile: join(rooms.canary, 'file'),
      ...doors.addresses,
    });
    const visits = doors.visits();
    return { jail: jail.kind, flags: judge(seen, visits), measuredAt: new Date().toISOString() };
  } finally {
    delete process.env[CANARY_VARIABLE];
    doors.close();
  }
}

interface Seen {
  readonly probe: Readonly<Record<string, unknown>>;
  readonly status: ProcessStatus | undefined;
}

/**
 * On a busy machine a probe may run out of time, or be gone before the kernel was asked about it: then nothing
 * was measured, which is tried again. What was measured stands, whatever it is.
 */
const MOST_TRIES = 3;

async function runProbe(...given: Parameters<typeof probeOnce>): Promise<Seen> {
  let seen = await probeOnce(...given);
  for (let tries = 1; tries < MOST_TRIES && !wasMeasured(seen); tries += 1) seen = await probeOnce(...given);
  return seen;
}

function wasMeasured({ probe, status }: Seen): boolean {
  return Object.keys(probe).length > 0 && status !== undefined;
}

async function probeOnce(
  jail: Jail,
  dirs: { readonly case: string; readonly rule: string },
  task: Readonly<Record<string, unknown>>,
): Promise<Seen> {
  const argv = [ROOM.node, `${ROOM.scripts}/probe.cjs`];
  const spec = { argv, cwd: '/', caseDir: dirs.case, ruleDir: dirs.rule, limits: CHECK_ROOM };
  let status: Promise<ProcessStatus | undefined> = Promise.resolve(undefined);
  const exit = await runRoom(jail, spec, {
    // The probe stays a while after its answer, so that the kernel can be asked about it.
    stdin: JSON.stringify({ ...task, hostPid: process.pid, lingerMs: 400 }),
    timeoutMs: SELF_TEST_TIMEOUT_MS,
    signal: new AbortController().signal,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    keepBytes: MAX_CONSOLE_BYTES,
    onStart: (pid) => {
      status = waitForLeaf(pid, 'probe.cjs', SELF_TEST_TIMEOUT_MS);
    },
  });
  const measured = await status;
  let probe: Record<string, unknown> = {};
  try {
    probe = JSON.parse(exit.result) as Record<string, unknown>;
  } catch {
    log('self-test.no-answer', {
      failure: exit.failure,
      code: exit.code,
      signalled: exit.signalled,
      stderr: exit.stderr,
    });
  }
  log('self-test', { probe, status: measured });
  return { probe, status: measured };
}

function judge(seen: Seen, visits: number): Record<IsolationFlag, boolean> {
  const { probe, status } = seen;
  const held = (flag: IsolationFlag): boolean => probe[flag] === true;
  const measured: Partial<Record<IsolationFlag, boolean>> = {
    loopbackBlocked: held('loopbackBlocked') && visits === 0,
    // Numbers alone tell little on a machine with few processes; the kernel knows whose they are.
    hostProcessesHidden: held('hostProcessesHidden') && (status?.ownPidNamespace ?? false),
    uidDropped: held('uidDropped') && status?.uids.every((uid) => uid !== 0),
    capabilitiesDropped: status?.capabilities.every((set) => /^0+$/.test(set)) ?? false,
    noNewPrivileges: status?.noNewPrivileges ?? false,
  };
  const flags = ISOLATION_FLAGS.map((flag) => [flag, measured[flag] ?? held(flag)] as const);
  return Object.fromEntries(flags) as Record<IsolationFlag, boolean>;
}

/** Listeners outside the room, as a supervisor's own port would be: TCP and an abstract unix socket. */
async function openDoors(): Promise<{
  readonly addresses: { readonly port: number; readonly abstract: string };
  visits(): number;
  close(): void;
}> {
  let visits = 0;
  const abstract = `\0assay-${randomName()}`;
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
  const local = await open((server) => server.listen(abstract));
  return {
    addresses: { port: (tcp.address() as AddressInfo).port, abstract },
    visits: () => visits,
    close: () => {
      tcp.close();
      local.close();
    },
  };
}

function chmodAll(rooms: Readonly<Record<string, string>>): void {
  for (const folder of Object.values(rooms)) chmodSync(folder, 0o777);
  chmodSync(join(rooms.canary as string, 'file'), 0o666);
  chmodSync(join(rooms.case as string, 'file'), 0o666);
}
