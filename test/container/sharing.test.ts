/** What cases of one request share, and rooms made ready ahead: faster, and never another answer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Jail } from '../../container/jail/jail.ts';
import type { RoomExit } from '../../container/jail/run.ts';
import { ReadyRooms, type StartRoom } from '../../container/ready-rooms.ts';
import { Slots } from '../../container/slots.ts';
import { CALLS, CALLS_YML, request, roomProcesses, startHost, type TestHost } from './support.ts';

const ECHO = `export default (_root, matches) =>
  matches.map(({ file, line, text }) => ({ file, line, message: text }));\n`;
const CASES = Array.from({ length: 6 }, (_, n) => ({
  id: `c${n}`,
  files: {
    'src/a.ts': `${'\n'.repeat(n)}mark(${n});\n`,
    'src/deep/b.ts': n % 2 === 0 ? 'mark("even");\n' : 'other();\n',
    'test/c.ts': 'mark("test");\n',
  },
}));

let plain: TestHost;
let warm: TestHost;
beforeAll(async () => {
  plain = await startHost();
  warm = await startHost(['--ready-rooms', '4']);
});
afterAll(async () => {
  await plain.stop();
  const { pid } = warm.child;
  await warm.stop();
  expect(roomProcesses(pid)).toEqual([]);
});

describe('narrowing all cases in one scan', () => {
  const scoped = {
    files: { 'check.ts': ECHO, 'captures/calls.yml': `${CALLS_YML}files:\n  - src/**\n` },
    captures: [{ ...CALLS, scoped: true }],
  };

  it.each([
    ['anchors', request(ECHO).rule],
    ['globs from the root', scoped],
    ['broad', { ...request(ECHO).rule, captures: [{ ...CALLS, match: 'broad' as const }] }],
  ])('gives each case the matches it has by itself: %s', async (_name, rule) => {
    const together = await plain.verify(request(ECHO, { rule, cases: CASES }));
    for (const [index, one] of CASES.entries()) {
      const alone = await plain.verify(request(ECHO, { rule, cases: [one] }));
      const { narrowMs: _a, checkMs: _b, ...expected } = alone.results[0] ?? { narrowMs: 0, checkMs: 0 };
      expect(together.results[index]).toMatchObject(expected);
    }
  });

  it('leaves the blame to the one case that floods', async () => {
    const flood = { id: 'flood', files: { 'a.ts': 'mark(1);\n'.repeat(3_000) } };
    const { results } = await plain.verify(request(ECHO, { cases: [flood, ...CASES] }));
    expect(results.map((result) => result.outcome)).toEqual([
      'output_exceeded',
      ...CASES.map(() => 'exited'),
    ]);
  });
});

describe('a check that hangs', () => {
  it('is given up after three time-outs; the cases left out are named', async () => {
    const check = 'export default () => { for (;;) {} };\n';
    const limits = { caseTimeoutMs: 500, totalTimeoutMs: 60_000 };
    const { results, notRun } = await plain.verify(request(check, { cases: CASES, limits }));
    expect(results.every((result) => result.outcome === 'timed_out')).toBe(true);
    expect(results.length).toBeGreaterThanOrEqual(3);
    expect([...results.map((result) => result.id), ...notRun].sort()).toEqual(CASES.map((one) => one.id));
    expect(notRun.length).toBeGreaterThan(0);
  });

  it('leaves cases to the next call that might not end within the total', async () => {
    const check = 'export default () => new Promise((done) => setTimeout(() => done([]), 700));\n';
    const limits = { caseTimeoutMs: 1_000, totalTimeoutMs: 1_500 };
    const { results, notRun } = await plain.verify(request(check, { cases: CASES, limits }));
    expect(results.every((result) => result.outcome === 'exited')).toBe(true);
    expect(results.length + notRun.length).toBe(CASES.length);
    expect(notRun.length).toBeGreaterThan(0);
  });
});

describe('rooms made ready ahead', () => {
  it('give the same answers, call after call', async () => {
    const expected = (await plain.verify(request(ECHO, { cases: CASES }))).results.map((one) => one.findings);
    for (let call = 0; call < 3; call += 1) {
      const { results } = await warm.verify(request(ECHO, { cases: CASES }));
      expect(results.map((one) => one.findings)).toEqual(expected);
      await wait(300);
    }
  });

  it('show a check nothing of another case or call', async () => {
    const nosy = `import { readdirSync, writeFileSync, existsSync } from 'node:fs';
      export default (root) => {
        const old = existsSync('/tmp/left');
        try { writeFileSync('/tmp/left', ''); } catch {}
        return [{ file: 'a', message: [old, ...readdirSync(root).sort(), ...readdirSync('/rule')].join() }];
      };\n`;
    for (let call = 0; call < 2; call += 1) {
      const { results } = await warm.verify(request(nosy, { cases: CASES.slice(0, 3) }));
      for (const result of results) expect(result.findings[0]?.message).toBe('false,src,test,check.mjs');
      await wait(300);
    }
  });

  it.each([
    ['ends early', 'export default () => process.exit(0);\n'],
    ['throws', "export default () => { throw new RangeError('no'); };\n"],
    ['never settles', 'export default () => new Promise(() => {});\n'],
    ['hangs', 'export default () => { for (;;) {} };\n'],
    [
      'patches what the runner uses',
      "JSON.stringify = () => '[]'; Array.isArray = () => false;\nexport default () => [{ file: 'a', message: 'm' }];\n",
    ],
    [
      'writes to the result channel',
      "import { writeSync } from 'node:fs';\nwriteSync(3, 'R []');\nexport default () => [];\n",
    ],
    [
      'bombs the heap',
      'const all = [];\nexport default () => { for (;;) all.push(new Array(1e5).fill(1.5)); };\n',
    ],
    ['floods', "export default () => { for (;;) console.log('x'.repeat(1e5)); };\n"],
  ])('contain a check that %s as any room does', async (_name, check) => {
    const change = { cases: CASES.slice(0, 2), limits: { caseTimeoutMs: 2_000, totalTimeoutMs: 60_000 } };
    const cold = await plain.verify(request(check, change));
    await wait(300);
    const ready = await warm.verify(request(check, change));
    const ends = (results: typeof cold.results) =>
      results.map((one) => [one.outcome, one.error?.name, one.findings]);
    expect(ends(ready.results)).toEqual(ends(cold.results));
  });

  it('that are killed while they wait cost nothing but time', async () => {
    for (const line of roomProcesses(warm.child.pid)) {
      try {
        process.kill(Number(line.split(' ')[0]), 'SIGKILL');
      } catch {
        // It went with one killed before it.
      }
    }
    const { results } = await warm.verify(request(ECHO, { cases: CASES }));
    expect(results.map((result) => result.outcome)).toEqual(CASES.map(() => 'exited'));
  });
});

describe('the pool', () => {
  const jail = {} as Jail;
  const exit = { failure: undefined } as RoomExit;
  const dir = mkdtempSync(join(tmpdir(), 'assay-pool-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  /** A room that ends when its task comes, its wait is over or it is closed. */
  const start: StartRoom = (_jail, _dirs, task, { timeoutMs, signal }) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(exit), timeoutMs);
      const end = () => {
        clearTimeout(timer);
        resolve(exit);
      };
      signal.addEventListener('abort', end);
      task.then(end);
    });

  it('never hands out a room twice, nor one that has ended', async () => {
    const pool = new ReadyRooms(jail, dir, 2, start, 50);
    pool.refill();
    expect(pool.count).toBe(2);
    expect(pool.take()?.caseDir).not.toBe(pool.take()?.caseDir);
    expect(pool.take()).toBeUndefined();
    pool.refill();
    await wait(150);
    expect(pool.count).toBe(0);
    expect(pool.take()).toBeUndefined();
  });

  it('is empty after it was closed, and stays so', async () => {
    const pool = new ReadyRooms(jail, dir, 2, start);
    pool.refill();
    pool.close();
    await wait(20);
    pool.refill();
    expect(pool.count).toBe(0);
  });
});

it('a host that lost every slot says so', async () => {
  const slots = new Slots(1);
  const release = await slots.acquire(new AbortController().signal);
  release?.(true);
  expect(slots.exhausted).toBe(true);
  expect(slots.busy).toBe(0);
});
