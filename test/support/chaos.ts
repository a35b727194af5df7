/**
 * Kills a local host, or any process below it, at random moments of many verifications. Each must end in
 * its exact verdict or in none; none may be wrong, and nothing may be left. `CHAOS_SEED` repeats a run (the
 * moments still depend on the machine), `CHAOS_VERIFICATIONS` makes it longer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { type HostProgram, type LocalHost, startVerificationHost } from '../../cli/verification-host.ts';
import { faultCode, isRetryable } from '../../src/errors.ts';
import { HttpSandbox } from '../../src/sandboxes/http.ts';
import type { SandboxCall } from '../../src/sandboxes/sandbox.ts';
import type { HostCaseResult, SandboxKind } from '../../src/schema/report.ts';
import { CALLS, CALLS_YML, MARKED, roomProcesses } from '../container/support.ts';
import { descendants, untilGone } from './processes.ts';
import { random } from './random.ts';

export const VERIFICATIONS = Number(process.env.CHAOS_VERIFICATIONS ?? 8);
export const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const AT_ONCE = 3;
const MOST_TRIES = 12;

type Expected = Pick<HostCaseResult, 'outcome' | 'findings'> & { readonly error?: string };
const found = [{ file: 'a', message: 'm' }];

interface KnownRule {
  readonly check: string;
  readonly expected: Expected;
}

const RULES: Readonly<Record<string, KnownRule>> = {
  finds: {
    check: "export default () => [{ file: 'a', message: 'm' }];",
    expected: { outcome: 'exited', findings: found },
  },
  'is silent': { check: 'export default () => [];', expected: { outcome: 'exited', findings: [] } },
  'finds after a while': {
    check:
      "export default async () => { await new Promise((r) => setTimeout(r, 250)); return [{ file: 'a', message: 'm' }]; };",
    expected: { outcome: 'exited', findings: found },
  },
  throws: {
    check: "export default () => { throw new TypeError('no'); };",
    expected: { outcome: 'exited', findings: [], error: 'TypeError' },
  },
  hangs: {
    check: 'export default () => { for (;;); };',
    expected: { outcome: 'timed_out', findings: [], error: 'TimedOut' },
  },
  leaves: {
    check: 'export default () => process.exit(0);',
    expected: { outcome: 'invalid_result', findings: [], error: 'InvalidResult' },
  },
};

/** Ends in one way only where a process can send itself a signal. */
export const KILLS_ITSELF: Readonly<Record<string, KnownRule>> = {
  'kills itself': {
    check: "export default () => { process.kill(process.pid, 'SIGKILL'); for (;;); };",
    expected: { outcome: 'signalled', findings: [], error: 'Signalled' },
  },
};

export const CHAOS_TIMEOUT_MS = 30_000 + VERIFICATIONS * 5_000;

export async function chaos(
  kind: SandboxKind,
  program: HostProgram,
  more: Readonly<Record<string, KnownRule>> = {},
): Promise<void> {
  const rules: Readonly<Record<string, KnownRule>> = { ...RULES, ...more };
  const hosts: LocalHost[] = [];
  const start = async (like: HostProgram): Promise<LocalHost> => {
    const host = await startVerificationHost(like);
    hosts.push(host);
    return host;
  };
  const next = random(SEED);
  let host = await start(program);
  const again = { ...program, token: host.token, port: Number(new URL(host.url).port) };
  const sandbox = new HttpSandbox(kind, host);
  const tally = { verdicts: 0, inconclusive: 0, tries: 0, hostsKilled: 0, othersKilled: 0 };
  const wrong: unknown[] = [];
  let running = true;

  const killing = (async () => {
    while (running) {
      await wait(300 + next() * 1_200);
      // The first is always a host, so that every run kills one.
      if (tally.hostsKilled === 0 || next() < 0.2) {
        process.kill(host.pid, 'SIGKILL');
        tally.hostsKilled += 1;
        await host.exited;
        await wait(next() * 100);
        host = await start(again);
        continue;
      }
      const targets = descendants(host.pid);
      const target = targets[Math.floor(next() * targets.length)];
      if (target === undefined) continue;
      process.kill(target, 'SIGKILL');
      tally.othersKilled += 1;
    }
  })();

  const names = Object.keys(rules);
  const queue = Array.from({ length: VERIFICATIONS }, (_, n) => names[n % names.length] ?? '');
  const worker = async (): Promise<void> => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const rule = rules[name];
      if (rule === undefined) continue;
      const results = await verdict(sandbox, rule.check, tally);
      if (results === null) tally.inconclusive += 1;
      else tally.verdicts += 1;
      for (const { outcome, findings, error } of results ?? []) {
        const got = { outcome, findings, ...(error ? { error: error.name } : {}) };
        if (JSON.stringify(got) !== JSON.stringify(rule.expected)) wrong.push({ name, got, error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  running = false;
  await killing;
  await host.stop();

  console.log(`chaos in ${kind}, seed ${SEED}: ${JSON.stringify(tally)}`);
  expect(wrong).toEqual([]);
  expect(tally.hostsKilled).toBeGreaterThan(0);
  expect(tally.othersKilled).toBeGreaterThan(0);
  // Retries must be worth something: a run that proves nothing is no proof.
  expect(tally.verdicts).toBeGreaterThan(VERIFICATIONS / 4);
  await expectNothingLeft(
    hosts.map((one) => one.pid),
    () => start(program),
  );
}

/** As the verify step does it: a fault or a case that could not be run is tried again, then given up. */
async function verdict(
  sandbox: HttpSandbox,
  check: string,
  tally: { tries: number },
): Promise<readonly HostCaseResult[] | null> {
  const call: Omit<SandboxCall, 'id'> = {
    rule: { files: { 'check.ts': check, 'captures/calls.yml': CALLS_YML }, captures: [CALLS] },
    cases: ['one', 'two', 'three'].map((name) => ({ name, kind: 'invalid', files: MARKED.files })),
    caseTimeoutMs: 2_500,
  };
  for (let attempt = 1; attempt <= MOST_TRIES; attempt += 1) {
    tally.tries += 1;
    try {
      const answer = await sandbox.verify({ ...call, id: `chaos-${tally.tries}` });
      const complete =
        answer.notRun.length === 0 || answer.results.some((one) => one.outcome === 'timed_out');
      if (complete && answer.results.every((one) => one.outcome !== 'host_error')) return answer.results;
    } catch (error) {
      expect(isRetryable(faultCode(error)), String(error)).toBe(true);
    }
    await wait(400);
  }
  return null;
}

async function expectNothingLeft(
  pids: readonly number[],
  startAnother: () => Promise<LocalHost>,
): Promise<void> {
  expect(await untilGone(pids.flatMap((pid) => [pid, ...descendants(pid)]))).toEqual([]);
  expect(await untilGone(pids.flatMap(orphans))).toEqual([]);
  // What a killed host left of files, the next one removes.
  await (await startAnother()).stop();
  const left = readdirSync(tmpdir()).filter((name) =>
    pids.some((pid) => name.startsWith(`assay-host-${pid}-`)),
  );
  expect(left).toEqual([]);
}

/** Whose parent is gone: rooms are told by what is mounted, isolates by the path of their socket. */
function orphans(hostPid: number): number[] {
  const isolates = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`/assay-host-${hostPid}-`);
    } catch {
      return false;
    }
  });
  return [...isolates, ...roomProcesses(hostPid).map((line) => line.split(' ')[0])].map(Number);
}
