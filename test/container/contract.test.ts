/** The HTTP contract and the host's life: what it answers, refuses, starts and leaves behind. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILD_HEADER, MAX_REQUEST_BYTES } from '../../container/protocol.ts';
import {
  HostRefused,
  IS_ROOT,
  jailForms,
  MARKED,
  request,
  roomProcesses,
  startHost,
  type TestHost,
} from './support.ts';

const GOOD = "export default () => [{ file: 'a', message: 'm' }];\n";
const HANGS = 'export default () => { for (;;); };\n';

/** Waits until `condition` holds, for a generous while. */
async function until(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await sleep(50);
  return condition();
}

const hostDirs = (pid: number | undefined): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`assay-host-${pid}-`));

describe('requests', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost(['--jail', 'util-linux']);
  });
  afterAll(async () => {
    await host.stop();
  });
  const post = (body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
    fetch(`${host.url}/verify`, { method: 'POST', body });
  const refusal = async (response: Response): Promise<unknown[]> => {
    expect(response.headers.get(BUILD_HEADER)).toMatch(/^sha256:[0-9a-f]{64}$/);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(error.message).not.toBe('');
    return [response.status, error.code];
  };

  it('answers with nonce, build, isolation and results in request order', async () => {
    const cases = Array.from({ length: 7 }, (_, i) => ({ ...MARKED, id: `c${i}` }));
    const answer = await host.verify(request(GOOD, { cases }));
    expect(answer).toMatchObject({ protocol: 1, nonce: 'nonce-0123456789', build: { astGrep: '0.51.1' } });
    expect(answer.results.map((result) => result.id)).toEqual(cases.map((each) => each.id));
    expect(Object.values(answer.isolation.flags).every((flag) => flag === true)).toBe(true);
  });

  it('knows two routes', async () => {
    expect(await refusal(await fetch(host.url))).toEqual([404, 'NOT_FOUND']);
    expect(await refusal(await fetch(`${host.url}/verify`))).toEqual([404, 'NOT_FOUND']);
    expect(await refusal(await fetch(`${host.url}/healthz`, { method: 'POST', body: '{}' }))).toEqual([
      404,
      'NOT_FOUND',
    ]);
  });

  it('refuses what is too large, announced or not', async () => {
    expect(await refusal(await post('x'.repeat(MAX_REQUEST_BYTES + 1)))).toEqual([413, 'TOO_LARGE']);
    const status = await new Promise((resolve) => {
      const sent = httpRequest(`${host.url}/verify`, {
        method: 'POST',
        headers: { 'transfer-encoding': 'chunked' },
      });
      sent.on('response', (response) => resolve(response.statusCode));
      sent.on('error', () => resolve('closed'));
      for (let i = 0; i < 10; i += 1) sent.write('x'.repeat(1024 * 1024));
      sent.end();
    });
    expect([413, 'closed']).toContain(status);
  });

  const bodies: readonly (readonly [string, unknown])[] = [
    ['not JSON', '{'],
    ['an array', []],
    ['null', null],
    ['deep', '['.repeat(100_000)],
    ['no protocol', { ...request(GOOD), protocol: 2 }],
    ['bad nonce', { ...request(GOOD), nonce: 'a\nb' }],
    ['unknown key', { ...request(GOOD), extra: 1 }],
    ['no cases', request(GOOD, { cases: [] })],
    ['twice the same id', request(GOOD, { cases: [MARKED, MARKED] })],
    [
      'too many cases',
      request(GOOD, { cases: Array.from({ length: 65 }, (_, i) => ({ ...MARKED, id: `c${i}` })) }),
    ],
    ['long deadline', request(GOOD, { limits: { caseTimeoutMs: 10_001, totalTimeoutMs: 60_000 } })],
    ['deadline as text', { ...request(GOOD), limits: { caseTimeoutMs: '1000', totalTimeoutMs: 60_000 } }],
    ['no captures', { ...request(GOOD), rule: { files: { 'check.ts': '' }, captures: [] } }],
    [
      'stray rule file',
      {
        ...request(GOOD),
        rule: { ...request(GOOD).rule, files: { ...request(GOOD).rule.files, 'x.sh': '' } },
      },
    ],
    ...[
      '../a',
      '/a',
      'a/../b',
      'a//b',
      './a',
      'a/',
      '',
      'a\0b',
      'a\nb',
      'a\\b',
      '..',
      `${'a/'.repeat(20)}b`,
      'a'.repeat(300),
    ].map(
      (path) =>
        [
          `path ${JSON.stringify(path).slice(0, 20)}`,
          request(GOOD, { cases: [{ id: 'c', files: { [path]: '' } }] }),
        ] as const,
    ),
    ['file and folder', request(GOOD, { cases: [{ id: 'c', files: { a: '', 'a/b': '' } }] })],
    ['not text', { ...request(GOOD), cases: [{ id: 'c', files: { a: 1 } }] }],
  ];
  it.each(bodies)('refuses %s', async (_name, body) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    expect(await refusal(await post(text))).toEqual([400, 'BAD_REQUEST']);
  });

  it('refuses bytes that are not UTF-8', async () => {
    expect(await refusal(await post(new Uint8Array([0x7b, 0xff, 0x7d])))).toEqual([400, 'BAD_REQUEST']);
  });

  it('refuses __proto__ as a file name, which would vanish on the way back', async () => {
    const text = JSON.stringify(request(GOOD)).replace('"src/a.ts"', '"__proto__"');
    expect(await refusal(await post(text))).toEqual([400, 'BAD_REQUEST']);
  });

  it('ends before the total deadline, and names the cases that never ran', async () => {
    const cases = Array.from({ length: 8 }, (_, i) => ({ ...MARKED, id: `c${i}` }));
    const limits = { caseTimeoutMs: 1_000, totalTimeoutMs: 1_500 };
    const answer = await host.verify(request(HANGS, { cases, limits }));
    expect(answer.durationMs).toBeLessThan(limits.totalTimeoutMs + 1_000);
    expect(answer.results.every((result) => result.outcome === 'timed_out')).toBe(true);
    expect(answer.notRun.length).toBeGreaterThan(0);
    expect([...answer.results.map((result) => result.id), ...answer.notRun].sort()).toEqual(
      cases.map((one) => one.id),
    );
    expect(roomProcesses(host.child.pid)).toEqual([]);
  });

  it('gives the console of a killed check, and not a word of the tools round it', async () => {
    const check = "export default () => { console.log('before'); for (;;); };\n";
    const limits = { caseTimeoutMs: 1_500, totalTimeoutMs: 20_000 };
    const { results } = await host.verify(request(check, { limits }));
    expect(results).toMatchObject([{ outcome: 'timed_out', console: 'before\n' }]);
  });

  it('starts nothing when no case could end within the total', async () => {
    const limits = { caseTimeoutMs: 5_000, totalTimeoutMs: 1_500 };
    const answer = await host.verify(request(HANGS, { limits }));
    expect(answer).toMatchObject({ results: [], notRun: ['c0'] });
  });

  it('runs at most one case per slot at a time, over all requests', async () => {
    // Every check sleeps; the kernel is asked how many rooms there are meanwhile.
    const check = 'export default () => new Promise((r) => setTimeout(() => r([]), 300));\n';
    const cases = Array.from({ length: 4 }, (_, i) => ({ ...MARKED, id: `c${i}` }));
    let most = 0;
    let done = false;
    const both = Promise.all([
      host.verify(request(check, { cases })),
      host.verify(request(check, { cases })),
    ]).then((answers) => {
      done = true;
      return answers;
    });
    while (!done) {
      const rooms = roomProcesses(host.child.pid).filter((line) => /^\d+ \/bin\/node .*runner/.test(line));
      most = Math.max(most, rooms.length);
      await sleep(30);
    }
    const outcomes = (await both).flatMap((answer) => answer.results.map((result) => result.outcome));
    expect(new Set(outcomes)).toEqual(new Set(['exited']));
    expect(most).toBeGreaterThanOrEqual(1);
    expect(most).toBeLessThanOrEqual(Math.max(2, availableParallelism()));
  });

  it('kills the rooms of a caller who leaves', async () => {
    const leave = new AbortController();
    const body = JSON.stringify(
      request(HANGS, { limits: { caseTimeoutMs: 10_000, totalTimeoutMs: 60_000 } }),
    );
    const asked = fetch(`${host.url}/verify`, { method: 'POST', body, signal: leave.signal }).catch(
      () => 'left',
    );
    expect(await until(() => roomProcesses(host.child.pid).some((line) => line.includes('runner.cjs')))).toBe(
      true,
    );
    leave.abort();
    expect(await asked).toBe('left');
    expect(await until(() => roomProcesses(host.child.pid).length === 0)).toBe(true);
    expect((await host.verify(request(GOOD))).results[0]?.outcome).toBe('exited');
  });

  it('leaves no case files behind', async () => {
    const [dir] = hostDirs(host.child.pid);
    // A room's files are removed while its answer is on the way.
    await expect.poll(() => readdirSync(join(tmpdir(), dir ?? 'missing', 'rooms'))).toEqual([]);
  });
});

describe('token', () => {
  it('is needed everywhere when set, and is not in the environment of the host', async () => {
    const token = 'a-test-token-of-some-length';
    const host = await startHost(['--jail', 'util-linux'], { ASSAY_HOST_TOKEN: token });
    const status = async (authorization?: string): Promise<number> =>
      (await fetch(`${host.url}/healthz`, authorization ? { headers: { authorization } } : {})).status;
    expect(await status()).toBe(401);
    expect(await status(`Bearer ${token}x`)).toBe(401);
    expect(await status(token)).toBe(401);
    expect(await status(`Bearer ${token}`)).toBe(200);
    expect((await fetch(`${host.url}/verify`, { method: 'POST', body: '{}' })).status).toBe(401);
    expect(await host.stop()).toBe(0);
    expect(host.stderr()).not.toContain(token);
  });
});

describe('life', () => {
  async function busyHost(): Promise<TestHost> {
    const host = await startHost(['--jail', 'util-linux']);
    const cases = [MARKED, { ...MARKED, id: 'c1' }];
    host
      .verify(request(HANGS, { cases, limits: { caseTimeoutMs: 10_000, totalTimeoutMs: 60_000 } }))
      .catch(() => {});
    expect(await until(() => roomProcesses(host.child.pid).some((line) => line.includes('runner.cjs')))).toBe(
      true,
    );
    return host;
  }

  it.each(['stdin', 'SIGTERM', 'SIGINT'])('%s ends it with its rooms and files', async (how) => {
    const host = await busyHost();
    if (how !== 'stdin') host.child.kill(how as NodeJS.Signals);
    expect(await host.stop()).toBe(0);
    expect(roomProcesses(host.child.pid)).toEqual([]);
    expect(hostDirs(host.child.pid)).toEqual([]);
  });

  it('SIGKILL leaves no room alive, and the next host removes the files', async () => {
    const host = await busyHost();
    host.child.kill('SIGKILL');
    await host.stop();
    expect(await until(() => roomProcesses(host.child.pid).length === 0)).toBe(true);
    expect(hostDirs(host.child.pid)).toHaveLength(1);
    const next = await startHost(['--jail', 'util-linux']);
    expect(hostDirs(host.child.pid)).toEqual([]);
    expect(await next.stop()).toBe(0);
  });

  it('spares directories of hosts that live', async () => {
    const host = await startHost(['--jail', 'util-linux']);
    const foreign = join(tmpdir(), `assay-host-${process.pid}-0123456789abcdef`);
    mkdirSync(foreign, { recursive: true });
    const other = await startHost(['--jail', 'util-linux']);
    expect(hostDirs(host.child.pid)).toHaveLength(1);
    expect(existsSync(foreign)).toBe(true);
    spawnSync('rmdir', [foreign]);
    await Promise.all([host.stop(), other.stop()]);
  });

  it('refuses to start without a jail, says why, and exits with 3', async () => {
    // A user namespace in which no other may be made, and in which no other uid exists.
    const shut = [
      'unshare',
      '--user',
      '--map-root-user',
      'sh',
      '-c',
      'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"',
      'sh',
    ];
    const refused = await startHost([], {}, shut).then(
      () => undefined,
      (error: unknown) => (error instanceof HostRefused ? error.exit : undefined),
    );
    expect(refused?.code).toBe(3);
    expect(refused?.stderr).toMatch(/no jail can be built/);
    expect(refused?.stderr).toMatch(/apt-get install bubblewrap/);
  });

  it.each([['--port', 'x'], ['--jail', 'none'], ['--nonsense']])(
    'refuses bad usage %s %s',
    async (...args) => {
      const refused = await startHost(args).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(HostRefused);
      expect((refused as HostRefused).exit.code).toBe(2);
    },
  );

  it.skipIf(!IS_ROOT).each(jailForms().filter((form) => form !== 'util-linux-root'))(
    'works without root too: %s',
    async (form) => {
      const drop = ['setpriv', '--reuid=60500', '--regid=60500', '--clear-groups'];
      const host = await startHost(['--jail', form], {}, drop);
      const answer = await host.verify(request(GOOD));
      expect(answer.results[0]).toMatchObject({ outcome: 'exited', findings: [{ file: 'a', message: 'm' }] });
      expect(Object.entries(answer.isolation.flags).filter(([, held]) => !held)).toEqual([]);
      expect(await host.stop()).toBe(0);
    },
  );
});
