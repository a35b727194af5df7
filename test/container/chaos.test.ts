/**
 * Kills the host, or any process of a room, at random moments of many verifications. Each must end in its
 * exact verdict or in none; none may be wrong, and nothing may be left. `CHAOS_SEED` repeats a run (the
 * moments still depend on the machine), `CHAOS_VERIFICATIONS` makes it longer.
 */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { faultCode, isRetryable } from '../../src/errors.ts';
import { HttpSandbox } from '../../src/sandboxes/http.ts';
import type { SandboxCall } from '../../src/sandboxes/sandbox.ts';
import type { HostCaseResult } from '../../src/schema/report.ts';
import { descendants, untilGone } from '../support/processes.ts';
import { random } from '../support/random.ts';
import { CALLS, CALLS_YML, MARKED, roomProcesses, startHost, type TestHost } from './support.ts';

const VERIFICATIONS = Number(process.env.CHAOS_VERIFICATIONS ?? 21);
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const AT_ONCE = 3;
const MOST_TRIES = 8;
const TOKEN = 'chaos-chaos-chaos-chaos';

type Expected = Pick<HostCaseResult, 'outcome' | 'findings'> & { readonly error?: string };
const found = [{ file: 'a', message: 'm' }];

const RULES: Readonly<Record<string, { readonly check: string; readonly expected: Expected }>> = {
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
  'kills itself': {
    check: "export default () => { process.kill(process.pid, 'SIGKILL'); for (;;); };",
    expected: { outcome: 'signalled', findings: [], error: 'Signalled' },
  },
};

const hosts: TestHost[] = [];
afterAll(() => Promise.all(hosts.map((host) => host.stop())));

async function start(port = '0'): Promise<TestHost> {
  const host = await startHost(['--port', port, '--ready-rooms', '3'], { ASSAY_HOST_TOKEN: TOKEN });
  hosts.push(host);
  return host;
}

it(`${VERIFICATIONS} verifications, seed ${SEED}`, { timeout: 30_000 + VERIFICATIONS * 5_000 }, async () => {
  const next = random(SEED);
  let host = await start();
  const { port } = new URL(host.url);
  const health = (await (await fetch(`${host.url}/healthz`, auth)).json()) as { build: { id: string } };
  const sandbox = new HttpSandbox('host', { url: host.url, token: TOKEN, buildId: health.build.id });
  const tally = { verdicts: 0, inconclusive: 0, tries: 0, hostsKilled: 0, roomsKilled: 0 };
  const wrong: unknown[] = [];
  let running = true;

  const killing = (async () => {
    while (running) {
      await wait(100 + next() * 900);
      const pid = host.child.pid ?? 0;
      if (next() < 0.2) {
        host.child.kill('SIGKILL');
        tally.hostsKilled += 1;
        await wait(next() * 100);
        host = await start(port);
        continue;
      }
      const targets = descendants(pid);
      const target = targets[Math.floor(next() * targets.length)];
      if (target === undefined) continue;
      process.kill(target, 'SIGKILL');
      tally.roomsKilled += 1;
    }
  })();

  const names = Object.keys(RULES);
  const queue = Array.from({ length: VERIFICATIONS }, (_, n) => names[n % names.length] ?? '');
  const worker = async (): Promise<void> => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const rule = RULES[name];
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

  console.log(`chaos, seed ${SEED}: ${JSON.stringify(tally)}`);
  expect(wrong).toEqual([]);
  expect(tally.hostsKilled).toBeGreaterThan(0);
  expect(tally.roomsKilled).toBeGreaterThan(0);
  // Retries must be worth something: a run that proves nothing is no proof.
  expect(tally.verdicts).toBeGreaterThan(VERIFICATIONS / 2);
  await expectNothingLeft(host);
});

const auth = { headers: { authorization: `Bearer ${TOKEN}` } };

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

async function expectNothingLeft(last: TestHost): Promise<void> {
  const pids = hosts.map((host) => host.child.pid ?? 0);
  const below = pids.flatMap((pid) => descendants(pid));
  expect(await last.stop()).toBe(0);
  expect(await untilGone(below)).toEqual([]);
  expect(hosts.flatMap((host) => roomProcesses(host.child.pid))).toEqual([]);
  // What a killed host left of files, the next one removes.
  const next = await start();
  await next.stop();
  const left = readdirSync(tmpdir()).filter((name) =>
    pids.some((pid) => name.startsWith(`assay-host-${pid}-`)),
  );
  expect(left).toEqual([]);
}
