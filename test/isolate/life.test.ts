/** The local host's runaways, life and leftovers; and that a wall left out is seen. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ISOLATION_FLAGS } from '../../container/protocol.ts';
import { makeHostDir } from '../../container/temp.ts';
import { bundleOf } from '../../isolate/bundle.ts';
import { roomScripts } from '../../isolate/local/room-scripts.ts';
import { isolatesAlive, runIsolate } from '../../isolate/local/run.ts';
import { measureIsolation } from '../../isolate/local/self-test.ts';
import { findWorkerd, runtime, type Weakness } from '../../isolate/local/tools.ts';
import { IS_ROOT, NODE, request } from '../container/support.ts';
import { type IsolateHost, isolateProcesses, MAIN, runCheck, startLocal } from './host.ts';

const GOOD = "export default () => [{ file: 'a', message: 'm' }];\n";
const HANGS = 'export default () => { console.log("before"); for (;;); };\n';

async function until(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await sleep(50);
  return condition();
}
const hostDirs = (pid: number | undefined): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`assay-host-${pid}-`));

describe('runaways', () => {
  let host: IsolateHost;
  beforeAll(async () => {
    host = await startLocal();
  });
  afterAll(async () => {
    const pid = host.child?.pid;
    expect(await host.stop()).toBe(0);
    expect(isolateProcesses(pid)).toEqual([]);
    expect(hostDirs(pid)).toEqual([]);
  });

  it.each([
    ['a loop, with what it printed', HANGS, { outcome: 'timed_out', console: 'before\n' }],
    [
      'a hopeless regex',
      'export default () => /(a+)+$/.test("a".repeat(40) + "b");\n',
      { outcome: 'timed_out' },
    ],
    [
      'an open interval',
      'export default () => { setInterval(() => {}, 10); return []; };\n',
      { outcome: 'timed_out' },
    ],
    [
      'a flood',
      'export default () => { for (;;) console.log("x".repeat(1000)); };\n',
      { outcome: 'output_exceeded' },
    ],
    [
      'too large a result',
      'export default () => Array(200).fill({ file: "a", message: "é".repeat(8000) });\n',
      { outcome: expect.stringMatching(/output_exceeded|invalid_result/) },
    ],
  ] as const)('%s', async (_name, check, end) => {
    expect(await runCheck(host, check, 1_500)).toMatchObject(end);
    expect(isolateProcesses(host.child?.pid)).toEqual([]);
  });

  it.each([
    ['heap', 'export default () => { const kept = []; for (;;) kept.push(new Array(1000).fill({})); };\n'],
    [
      'buffers',
      'export default () => { const kept = []; for (;;) kept.push(new Uint8Array(5e7).fill(1)); };\n',
    ],
    [
      'files',
      'import { writeFileSync } from "node:fs";\nexport default () => { for (let i = 0; ; i += 1) writeFileSync("/tmp/" + i, new Uint8Array(1e7)); };\n',
    ],
  ])('memory: %s', async (_name, check) => {
    expect(await runCheck(host, check, 10_000)).toMatchObject({ outcome: 'memory_exceeded' });
  });

  it('a capture that is slow is the capture’s fault, and the next request is served', async () => {
    const yaml = `id: calls-1\nlanguage: typescript\nrule:\n  kind: identifier\n  inside: { stopBy: end, has: { stopBy: end, has: { stopBy: end, regex: '(x+x+)+y', kind: identifier } } }\nmetadata: { taskless: { kind: runtime, name: calls } }\n`;
    const base = request(GOOD);
    const rule = { ...base.rule, files: { ...base.rule.files, 'captures/calls.yml': yaml } };
    const source = `f(${Array.from({ length: 4_000 }, (_, n) => `[a${n}]`).join(', ')});\n`;
    const answer = await host.verify({
      ...base,
      rule,
      cases: [{ id: 'c0', files: { 'a.ts': source } }],
      limits: { caseTimeoutMs: 1_000, totalTimeoutMs: 20_000 },
    });
    expect(answer.results[0]).toMatchObject({ stage: 'narrow', outcome: 'timed_out' });
    expect(await runCheck(host, GOOD)).toMatchObject({ outcome: 'exited', findings: [{ file: 'a' }] });
  });

  it('a parser that broke down is not asked again', async () => {
    const deep = `export default () => ${'['.repeat(20_000)}${']'.repeat(20_000)};\n`;
    expect(await runCheck(host, deep)).toMatchObject({
      outcome: 'exited',
      error: { name: expect.any(String) },
    });
    for (let call = 0; call < 3; call += 1) {
      expect(await runCheck(host, `${GOOD}// ${call}\n`)).toMatchObject({ findings: [{ file: 'a' }] });
    }
  });

  it('ends the isolates of a caller who leaves', async () => {
    const leave = new AbortController();
    const limits = { caseTimeoutMs: 10_000, totalTimeoutMs: 60_000 };
    const body = JSON.stringify(request(HANGS, { limits }));
    const asked = fetch(`${host.url}/verify`, { method: 'POST', body, signal: leave.signal }).catch(
      () => 'left',
    );
    expect(await until(() => isolateProcesses(host.child?.pid).length > 0)).toBe(true);
    leave.abort();
    expect(await asked).toBe('left');
    expect(await until(() => isolateProcesses(host.child?.pid).length === 0)).toBe(true);
  });

  it('refuses malformed requests as every host does', async () => {
    for (const body of ['{', '[]', JSON.stringify({ ...request(GOOD), extra: 1 })]) {
      const response = await fetch(`${host.url}/verify`, { method: 'POST', body });
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { error: { code: 'BAD_REQUEST' } },
      ]);
    }
    expect((await fetch(host.url)).status).toBe(404);
  });
});

it.each([['--jail', 'auto'], ['--jail=bubblewrap'], ['--ast-grep', '/bin/true'], ['--ready-rooms=0']])(
  'refuses %s, which is for rooms',
  (...args) => {
    const { status, stdout, stderr } = spawnSync(NODE, [MAIN, ...args], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`${args[0]} is for a host of rooms`);
    expect(stderr).toContain('usage: ');
  },
);

describe('life', () => {
  async function busy(): Promise<IsolateHost> {
    const host = await startLocal();
    const limits = { caseTimeoutMs: 10_000, totalTimeoutMs: 60_000 };
    host.verify(request(HANGS, { limits })).catch(() => {});
    expect(await until(() => isolateProcesses(host.child?.pid).length > 0)).toBe(true);
    return host;
  }

  it.each(['stdin', 'SIGTERM', 'SIGINT'])('%s ends it with its isolates and files', async (how) => {
    const host = await busy();
    if (how !== 'stdin') host.child?.kill(how as NodeJS.Signals);
    expect(await host.stop()).toBe(0);
    expect(hostDirs(host.child?.pid)).toEqual([]);
  });

  it('SIGKILL leaves no isolate alive, and the next host removes the files', async () => {
    const host = await busy();
    const [isolate] = isolateProcesses(host.child?.pid);
    host.child?.kill('SIGKILL');
    await host.stop();
    expect(await until(() => !existsSync(`/proc/${isolate}/exe`))).toBe(true);
    const next = await startLocal();
    expect(hostDirs(host.child?.pid)).toEqual([]);
    expect(await next.stop()).toBe(0);
  });

  it('needs the token everywhere when one is set', async () => {
    const token = 'a-test-token-of-some-length';
    const host = await startLocal([], { ASSAY_HOST_TOKEN: token });
    const status = async (authorization: string): Promise<number> =>
      (await fetch(`${host.url}/healthz`, { headers: { authorization } })).status;
    expect([await status('Bearer x'), await status(`Bearer ${token}`)]).toEqual([401, 200]);
    expect(await host.stop()).toBe(0);
    expect(host.stderr()).not.toContain(token);
  });

  it.skipIf(!IS_ROOT)('works without root too', async () => {
    const host = await startLocal([], {}, ['setpriv', '--reuid=60500', '--regid=60500', '--clear-groups']);
    const answer = await host.verify(request(GOOD));
    expect(answer.results[0]).toMatchObject({ outcome: 'exited', findings: [{ file: 'a', message: 'm' }] });
    expect(Object.entries(answer.isolation.flags).filter(([, held]) => !held)).toEqual([]);
    expect(await host.stop()).toBe(0);
  });
});

describe('a wall left out shows as false', () => {
  let hostDir: string;
  beforeAll(() => {
    hostDir = makeHostDir();
  });
  afterAll(() => rmSync(hostDir, { recursive: true, force: true }));
  const fallen = async (...weaknesses: Weakness[]): Promise<string[]> => {
    const { flags } = await measureIsolation(runtime(findWorkerd().path, weaknesses), hostDir);
    return ISOLATION_FLAGS.filter((flag) => !flags[flag]);
  };

  it('none left out', async () => {
    expect(await fallen()).toEqual([]);
  });
  it('privileges', async () => {
    expect(await fallen('privileges')).toEqual(['noNewPrivileges']);
  });
  it('a network that only refuses', async () => {
    expect(await fallen('lookups')).toContain('dnsBlocked');
  });
  it('the network', async () => {
    expect(await fallen('network')).toEqual(expect.arrayContaining(['loopbackBlocked']));
  });
  it.skipIf(!IS_ROOT)('the user and its capabilities', async () => {
    expect(await fallen('uid')).toContain('uidDropped');
    expect(await fallen('uid', 'capabilities')).toContain('capabilitiesDropped');
  });
  it('a probe that cannot run counts as nothing held', async () => {
    const walls = { ...runtime('/bin/false'), command: () => ['/bin/false'] };
    const { flags } = await measureIsolation(walls, hostDir);
    expect(Object.values(flags).some(Boolean)).toBe(false);
  });
});

it('leaves neither files nor processes behind after many runs', async () => {
  const hostDir = makeHostDir();
  const walls = runtime(findWorkerd().path);
  const bundle = bundleOf(roomScripts(), GOOD, { a: '' });
  const asked = { token: 't', matches: [] };
  mkdirSync(hostDir, { recursive: true });
  const handles = (): number => readdirSync('/proc/self/fd').length;
  const before = handles();
  for (let run = 0; run < 30; run += 1) {
    const task = { task: asked, timeoutMs: 10_000, signal: new AbortController().signal };
    await Promise.all([runIsolate(walls, hostDir, bundle, task), runIsolate(walls, hostDir, bundle, task)]);
  }
  expect(isolatesAlive()).toBe(0);
  expect(await until(() => readdirSync(hostDir).length === 0)).toBe(true);
  expect(await until(() => handles() <= before + 2)).toBe(true);
  rmSync(hostDir, { recursive: true, force: true });
});
