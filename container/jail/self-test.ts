/**
 * Measures the walls instead of assuming them: runs a probe as the jailed user in a real room, beside
 * a listener, a canary file and a canary variable outside, and asks the kernel (not the probe) for the
 * probe's uid, capabilities and no_new_privs. A wall counts as standing only when its attack was seen
 * to fail the way the wall makes it fail; no answer, a time-out or a crash counts as fallen.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isolationReport, type Probe, untilSeen } from '../isolation.ts';
import { CHECK_ROOM, MAX_CONSOLE_BYTES, MAX_OUTPUT_BYTES, SELF_TEST_TIMEOUT_MS } from '../limits.ts';
import { log } from '../log.ts';
import type { IsolationReport } from '../protocol.ts';
import { randomName } from '../temp.ts';
import { type Jail, ROOM } from './jail.ts';
import { withOutside } from './outside.ts';
import { type ProcessStatus, waitForLeaf } from './proc.ts';
import { runRoom } from './run.ts';

/** How long the probe stays after its answer, so that the kernel can be asked about it. */
const LINGER_MS = 400;

/** @param lingerMs less of it is quicker, and needs another try more often on a busy machine */
export async function measureIsolation(
  jail: Jail,
  hostDir: string,
  lingerMs = LINGER_MS,
): Promise<IsolationReport> {
  const dir = join(hostDir, randomName());
  const rooms = { case: join(dir, 'case'), rule: join(dir, 'rule'), canary: join(dir, 'canary') };
  for (const folder of Object.values(rooms)) mkdirSync(folder, { recursive: true, mode: 0o777 });
  const [canaryFile, caseFile] = [join(rooms.canary, 'file'), join(rooms.case, 'file')];
  writeFileSync(caseFile, 'case', { mode: 0o666 });
  return withOutside(canaryFile, async (canary, doors) => {
    // World-writable and world-readable on purpose: only the walls of the room may stop the probe.
    for (const folder of Object.values(rooms)) chmodSync(folder, 0o777);
    for (const file of [canaryFile, caseFile]) chmodSync(file, 0o666);
    const door = await doors.tcp();
    const abstract = `\0assay-${randomName()}`;
    await doors.unix(abstract);
    const task = { canary, canaryFile, door, abstract, lingerMs };
    const wasKernelAsked = ({ status }: Seen): boolean => status !== undefined;
    const seen = await untilSeen(() => probeOnce(jail, rooms, task), wasKernelAsked);
    return judge(jail, seen, doors.visits);
  });
}

interface Seen {
  readonly probe: Probe;
  readonly status: ProcessStatus | undefined;
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
    stdin: JSON.stringify({ ...task, hostPid: process.pid }),
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

function judge({ kind }: Jail, { probe, status }: Seen, visits: number): IsolationReport {
  return isolationReport(kind, probe, {
    loopbackBlocked: probe.loopbackBlocked === true && visits === 0,
    // Numbers alone tell little on a machine with few processes; the kernel knows whose they are.
    hostProcessesHidden: probe.hostProcessesHidden === true && (status?.ownPidNamespace ?? false),
    uidDropped: probe.uidDropped === true && status?.uids.every((uid) => uid !== 0),
    capabilitiesDropped: status?.capabilities.every((set) => /^0+$/.test(set)) ?? false,
    noNewPrivileges: status?.noNewPrivileges ?? false,
  });
}
