/**
 * The container back end against a real engine: our Worker code in workerd, the image of our Dockerfile. What a
 * default engine forbids (`unshare`) is seen in the report and refused; what an engine without that filter allows
 * is held to the same answers as the host.
 */
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startVerificationHost } from '../../cli/verification-host.ts';
import { ISOLATION_FLAGS } from '../../container/protocol.ts';
import { HttpSandbox } from '../../src/sandboxes/http.ts';
import { verifyAll } from '../../src/sandboxes/verify-all.ts';
import type { Report } from '../../src/schema/report.ts';
import { containersOf, docker, dockerMeanwhile, filtersSyscalls } from './docker.ts';
import { fixtureRules } from './fixture-rules.ts';
import { type Suite, startSuite } from './workerd.ts';

const CASE_TIMEOUT_MS = 10_000;
const GONE_WITHIN_MS = 60_000;

const filtered = filtersSyscalls();
if (filtered)
  console.warn('tests of real rooms are skipped: the engine filters unshare (its default seccomp)');
else console.warn('tests of the degraded room are skipped: the engine does not filter unshare');

const rules = await fixtureRules();
let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.stop());
afterEach(nothingLeft);

/** The SDK's own late retries must not bring a container back either, so it is looked at twice. */
async function nothingLeft(): Promise<void> {
  const until = Date.now() + GONE_WITHIN_MS;
  while (containersOf(suite.image).length > 0 && Date.now() < until) await wait(250);
  await wait(1_000);
  expect(containersOf(suite.image)).toEqual([]);
  expect(await suite.call('gate')).toEqual([]);
}

/** What a verdict is made of, without what differs from run to run. */
function essence(report: Report): object {
  const cases = report.cases.map(({ name, status, outcome, findings, matchCount, message }) => {
    return { name, status, outcome, findings, matchCount, message };
  });
  return { verdict: report.verdict, cases, notRun: report.notRun };
}

describe('outside the rooms', () => {
  /** Runs in the container, beside the host: what the outer wall alone lets through. */
  const connect = (port: number, host: string): string =>
    `const s = require('node:net').connect(${port}, '${host}', () => s.write('x'));
     s.on('data', (d) => { console.log('got ' + d); process.exit(); });
     for (const e of ['error', 'close']) s.on(e, () => { console.log('nothing'); process.exit(); });
     setTimeout(() => { console.log('nothing'); process.exit(); }, 5000);`;

  it.each([
    ['no', 'start', 'destroy', 'nothing'],
    ['(the wall left out)', 'startOpen', 'destroyOpen', 'got secret'],
  ])('%s connection reaches the network', async (_name, start, destroy, expected) => {
    const bridge = docker(['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}']);
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.end('secret'));
    });
    await new Promise<void>((resolve) => server.listen(0, bridge.stdout, resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    try {
      await suite.call(start, `egress-${start.toLowerCase()}`);
      const [container = ''] = containersOf(suite.image);
      const run = await dockerMeanwhile([
        'exec',
        container,
        'node',
        '-e',
        connect(address.port, bridge.stdout),
      ]);
      expect(run.stdout).toBe(expected);
    } finally {
      await suite.call(destroy, `egress-${start.toLowerCase()}`);
      server.close();
    }
  });

  it('a container whose call died is swept', async () => {
    await suite.call('startAndDie', 'left-behind').catch((error: unknown) => {
      // A degraded host ends the start; the container is there all the same.
      if (!filtered) throw error;
    });
    expect(containersOf(suite.image)).toHaveLength(1);
    expect(await suite.call('gate')).toMatchObject([{ id: 'left-behind' }]);
    // No call of ours from here on: the gate's own alarm has to do it, which afterEach waits for.
  });

  it('after destroy() the same object starts nothing', async () => {
    await suite.call('start', 'once');
    await suite.call('destroy', 'once');
    expect(await suite.call('start', 'once')).toMatchObject({ status: 503 });
  });
});

describe.skipIf(!filtered)('a container that allows no namespace', () => {
  it('says so, and nothing untrusted is sent to it', async () => {
    const first = rules[0];
    if (first === undefined) throw new Error('no fixture rule');
    const call = { id: 'degraded', rule: first.rule, cases: first.cases, caseTimeoutMs: CASE_TIMEOUT_MS };
    const error = await suite.sandbox.verify(call).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'SANDBOX_NOT_ISOLATED' });
    for (const wall of ['loopbackBlocked', 'hostProcessesHidden', 'process']) {
      expect(String(error)).toContain(wall);
    }
  });
});

describe.skipIf(filtered)('real rooms in a container', () => {
  it('stand, as measured in there', async () => {
    const answer = await suite.call<{ text: string }>('start', 'isolation');
    await suite.call('destroy', 'isolation');
    const { isolation } = JSON.parse(answer.text) as Pick<Report, 'isolation'>;
    expect(ISOLATION_FLAGS.filter((flag) => !isolation.flags[flag])).toEqual([]);
    expect(['bubblewrap', 'util-linux']).toContain(isolation.jail);
  });

  it('give every fixture rule the report the host gives', async () => {
    const host = await startVerificationHost();
    try {
      for (const { name, rule, cases } of rules) {
        const expected = await verifyAll(new HttpSandbox('host', host), rule, cases, CASE_TIMEOUT_MS);
        const report = await verifyAll(suite.sandbox, rule, cases, CASE_TIMEOUT_MS);
        expect({ name, ...essence(report) }).toEqual({ name, ...essence(expected) });
      }
    } finally {
      await host.stop();
    }
  });

  it('four at once are all right', async () => {
    const some = rules.slice(0, 4);
    const reports = await Promise.all(
      some.map(({ rule, cases }) => verifyAll(suite.sandbox, rule, cases, CASE_TIMEOUT_MS)),
    );
    for (const [n, { rule, cases }] of some.entries()) {
      const alone = await verifyAll(suite.sandbox, rule, cases, CASE_TIMEOUT_MS);
      expect(essence(reports[n] as Report)).toEqual(essence(alone));
    }
  });
});
