/**
 * Places with fewer rights than a bare machine, as containers are, made here without an engine: root without
 * CAP_SYS_ADMIN, a masked /proc, no namespaces at all. A real room where one can be had; where none can, the
 * degraded one says so, is refused, and still leaves nothing behind.
 */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FoundJail, findJail } from '../../container/jail/detect.ts';
import { ROOM } from '../../container/jail/jail.ts';
import { type RoomExit, runRoom } from '../../container/jail/run.ts';
import { CHECK_ROOM } from '../../container/limits.ts';
import type { HealthResponse, IsolationFlag } from '../../container/protocol.ts';
import { makeHostDir } from '../../container/temp.ts';
import { assertIsolated } from '../../src/sandboxes/policy.ts';
import { AST_GREP, HostRefused, IS_ROOT, NODE, ROOT, request, startHost } from './support.ts';

if (!IS_ROOT) console.warn('tests of containers are skipped: only root can make such places');

const WITHOUT_SYS_ADMIN = ['setpriv', '--inh-caps=-sys_admin', '--bounding-set=-sys_admin'];
/** As Docker does: single files of /proc covered, /proc/sys read-only. */
const MASKED_PROC = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount --bind /dev/null /proc/keys && mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"',
  'sh',
];

/** No process below a chroot may make a user namespace, and without CAP_SYS_ADMIN no other. */
function withoutNamespaces(root: string): string[] {
  const script = 'root=$1; shift; mount --rbind / "$root" && exec "$@"';
  const chroot = [...WITHOUT_SYS_ADMIN, 'chroot', root];
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', root, ...chroot];
}

async function healthIn(
  wrapper: readonly string[],
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<HealthResponse> {
  const host = await startHost(args, env, wrapper);
  try {
    return (await (await fetch(`${host.url}/healthz`)).json()) as HealthResponse;
  } finally {
    expect(await host.stop()).toBe(0);
  }
}

const refusalOf = (start: Promise<unknown>): Promise<HostRefused> =>
  start.then(
    () => Promise.reject(new Error('the host started')),
    (error: unknown) => (error instanceof HostRefused ? error : Promise.reject(error)),
  );

describe.skipIf(!IS_ROOT)('a real room', () => {
  it('stands for root without CAP_SYS_ADMIN', async () => {
    const { ok, isolation } = await healthIn(WITHOUT_SYS_ADMIN);
    expect({ ok, degraded: isolation.jail === 'process' }).toEqual({ ok: true, degraded: false });
  });

  it('stands where /proc is masked', async () => {
    const wrapper = [...MASKED_PROC, ...WITHOUT_SYS_ADMIN];
    // The kernel refuses another /proc there: the place is what it is meant to be.
    const { exit } = await refusalOf(startHost(['--jail', 'util-linux'], {}, wrapper));
    expect(exit).toMatchObject({ code: 3, stderr: expect.stringContaining('permission denied') });
    const { ok, isolation } = await healthIn(wrapper, ['--jail', 'util-linux-outer-proc']);
    expect({ ok, jail: isolation.jail }).toEqual({ ok: true, jail: 'util-linux' });
  });

  it('stands with the outer /proc where nothing is masked too', async () => {
    expect((await healthIn([], ['--jail', 'util-linux-outer-proc'])).ok).toBe(true);
  });
});

describe.skipIf(!IS_ROOT)('where no namespace is allowed', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'assay-place-'));
  });
  afterAll(() => rmdirSync(root));

  it('the host does not start, says why and what would help', async () => {
    const { exit } = await refusalOf(startHost([], { ASSAY_DEGRADED_JAIL: '' }, withoutNamespaces(root)));
    expect(exit.code).toBe(3);
    for (const part of ['util-linux: ', 'util-linux-root: no CAP_SYS_ADMIN', 'seccomp=unconfined'])
      expect(exit.stderr).toContain(part);
  });

  it('a host that is allowed to starts degraded, and its report is refused by name', async () => {
    const env = { ASSAY_DEGRADED_JAIL: '1' };
    const { ok, isolation } = await healthIn(withoutNamespaces(root), [], env);
    expect(ok).toBe(false);
    expect(isolation.jail).toBe('process');
    expect(() => assertIsolated(isolation)).toThrow(/SANDBOX_NOT_ISOLATED: .*process.*loopbackBlocked/);
  });
});

describe.skipIf(!IS_ROOT)('the degraded room', () => {
  let hostDir: string;
  let found: FoundJail;
  let dir: string;

  beforeAll(async () => {
    hostDir = makeHostDir();
    dir = join(hostDir, 'empty');
    mkdirSync(dir);
    const input = { hostDir, sourceDir: join(ROOT, 'container'), node: NODE, astGrep: AST_GREP };
    found = await findJail({ ...input, choice: 'process' });
  });
  afterAll(() => rmSync(hostDir, { recursive: true, force: true }));

  const run = (script: string, timeoutMs = 3_000): Promise<RoomExit> =>
    runRoom(
      found.jail,
      { argv: [ROOM.node, '-e', script], cwd: '/', caseDir: dir, ruleDir: dir, limits: CHECK_ROOM },
      {
        timeoutMs,
        signal: new AbortController().signal,
        maxOutputBytes: 1 << 20,
        keepBytes: 1 << 16,
        keepStdout: true,
      },
    );
  /** By what they see as their root: they have no namespace to be told by. */
  const nothingLeft = (): void => {
    const left = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && rootOf(pid).startsWith(hostDir));
    expect(left).toEqual([]);
    expect(readdirSync(found.skeleton.roomsDir)).toEqual(['template']);
  };
  const rootOf = (pid: string): string => {
    try {
      return readlinkSync(`/proc/${pid}/root`);
    } catch {
      return '';
    }
  };

  it('measures which walls it has and which it has not', async () => {
    const { isolation } = await healthIn([], ['--jail', 'process']);
    const standing: IsolationFlag[] = [
      'outsideWriteBlocked',
      'caseWriteBlocked',
      'hostFilesHidden',
      'environmentCleared',
      'uidDropped',
      'capabilitiesDropped',
      'noNewPrivileges',
    ];
    for (const flag of standing) expect([flag, isolation.flags[flag]]).toEqual([flag, true]);
    for (const flag of ['loopbackBlocked', 'hostProcessesHidden'] as const)
      expect([flag, isolation.flags[flag]]).toEqual([flag, false]);
  });

  it('runs a rule like any other room', async () => {
    const host = await startHost(['--jail', 'process']);
    const check =
      'export default (_: string, matches: { file: string; line: number }[]) => matches.map(({ file, line }) => ({ file, line, message: "m" }));';
    const { results } = await host.verify(request(check));
    expect(results).toMatchObject([{ outcome: 'exited', findings: [{ file: 'src/a.ts', line: 2 }] }]);
    expect(await host.stop()).toBe(0);
  });

  it('has a root of its own, and in it only /tmp to write to', async () => {
    const exit = await run(
      "const fs = require('fs'); const tried = ['/', '/case/', '/rule/', '/bin/', '/dev/', '/tmp/'].filter((d) => { try { fs.writeFileSync(d + 'x', ''); return true; } catch { return false; } }); console.log(fs.readdirSync('/').join(), tried.join());",
    );
    expect(exit.stdout.trim()).toMatch(/^bin,case,dev,lib(,lib64)?,rule,tmp \/tmp\/$/);
    nothingLeft();
  });

  it.each([
    [
      'a fork bomb',
      "const { spawn } = require('child_process'); setInterval(() => { const c = spawn('/bin/node', ['-e', 'for(;;);'], { detached: true, stdio: 'inherit' }); c.on('error', () => {}); c.unref(); }, 5);",
    ],
    [
      'orphans that ignore signals and hold a pipe',
      "const { spawn } = require('child_process'); spawn('/bin/node', ['-e', 'process.on(\"SIGTERM\", () => {}); setInterval(() => {}, 1e9)'], { detached: true, stdio: 'inherit' }).unref(); setTimeout(() => process.exit(0), 300);",
    ],
    [
      'orphans that hold no pipe',
      "const { spawn } = require('child_process'); spawn('/bin/node', ['-e', 'setInterval(() => {}, 1e9)'], { detached: true, stdio: 'ignore' }).unref(); setTimeout(() => process.exit(0), 300);",
    ],
    [
      'children that kill whoever has their uid, the killer too',
      "const { spawn } = require('child_process'); for (let i = 0; i < 1; i++) spawn('/bin/node', ['-e', 'for (;;) try { process.kill(-1, \"SIGSTOP\") } catch {}'], { detached: true, stdio: 'ignore' }).unref(); setInterval(() => {}, 1e9);",
    ],
  ])('ends %s, and is seen dead', async (_name, script) => {
    const exit = await run(script, 1_500);
    expect(exit).toMatchObject({ failure: undefined, undead: false });
    nothingLeft();
  });
});
