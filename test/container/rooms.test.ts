/**
 * The room itself, without node's permission model in front of it: what code could do that got past
 * that second layer. Processes, limits, privileges, and that everything is dead afterwards.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FoundJail, findJail, type JailChoice } from '../../container/jail/detect.ts';
import { ROOM } from '../../container/jail/jail.ts';
import { type RoomExit, runRoom } from '../../container/jail/run.ts';
import { CHECK_ROOM } from '../../container/limits.ts';
import { abnormalEnding } from '../../container/outcome.ts';
import { makeHostDir } from '../../container/temp.ts';
import { AST_GREP, jailForms, NODE, ROOT, roomProcesses } from './support.ts';

describe.each(jailForms())('a room of %s', (form) => {
  let hostDir: string;
  let found: FoundJail;
  let dir: string;

  beforeAll(async () => {
    hostDir = makeHostDir();
    dir = join(hostDir, 'empty');
    mkdirSync(dir);
    const input = { hostDir, sourceDir: join(ROOT, 'container'), node: NODE, astGrep: AST_GREP };
    found = await findJail({ ...input, choice: form as JailChoice });
  });
  afterAll(() => rmSync(hostDir, { recursive: true, force: true }));

  const run = (script: string, timeoutMs = 3_000, argv = [ROOM.node, '-e', script]): Promise<RoomExit> =>
    runRoom(
      found.jail,
      { argv, cwd: '/', caseDir: dir, ruleDir: dir, limits: CHECK_ROOM },
      {
        timeoutMs,
        signal: new AbortController().signal,
        maxOutputBytes: 1 << 20,
        keepBytes: 1 << 16,
        keepStdout: true,
      },
    );
  const nothingLeft = (): void => expect(roomProcesses(process.pid)).toEqual([]);

  it('has only what a check needs', async () => {
    const exit = await run(
      "const fs = require('fs'); console.log(fs.readdirSync('/').join(), fs.readdirSync('/bin').join(), fs.readdirSync('/dev').join())",
    );
    expect(exit.stdout.trim()).toMatch(
      /^bin,case,dev,lib(,lib64)?,rule,tmp ast-grep,node,prlimit,setpriv null$/,
    );
    nothingLeft();
  });

  it('ends a fork bomb', async () => {
    const exit = await run(
      "const { spawn } = require('child_process'); setInterval(() => { const c = spawn('/bin/node', ['-e', 'for(;;);'], { detached: true, stdio: 'inherit' }); c.on('error', () => {}); c.unref(); }, 5);",
      2_000,
    );
    expect(exit.failure).toBeUndefined();
    nothingLeft();
  });

  it('ends orphans of its own session that hold no pipe and ignore signals', async () => {
    const exit = await run(
      "const { spawn } = require('child_process'); spawn('/bin/node', ['-e', 'process.on(\"SIGTERM\", () => {}); setInterval(() => {}, 1e9)'], { detached: true, stdio: 'ignore' }).unref(); setTimeout(() => process.exit(0), 300);",
    );
    expect(exit).toMatchObject({ code: 0, killedFor: undefined, failure: undefined });
    nothingLeft();
  });

  it('ends an orphan whose parents are gone', async () => {
    const grandchild = 'setInterval(() => {}, 1e9)';
    const child = `require('child_process').spawn('/bin/node', ['-e', '${grandchild}'], { detached: true, stdio: 'ignore' }).unref()`;
    const exit = await run(
      `const { spawnSync } = require('child_process'); spawnSync('/bin/node', ['-e', ${JSON.stringify(child)}]);`,
    );
    expect(exit).toMatchObject({ code: 0, killedFor: undefined, failure: undefined });
    nothingLeft();
  });

  it('names the process limit', async () => {
    const exit = await run(
      "const { spawn } = require('child_process'); for (let i = 0; i < 40; i++) spawn('/bin/node', ['-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore' }).on('error', (e) => { console.error(e.code); process.abort(); });",
    );
    expect(abnormalEnding(exit)?.outcome).toBe('process_limit');
    nothingLeft();
  });

  it('cannot raise its limits or regain privileges', async () => {
    const raise = await run('', 3_000, ['/bin/prlimit', '--nproc=1000:1000', ROOM.node, '-e', '0']);
    expect(raise.code).not.toBe(0);
    const caps = await run('', 3_000, ['/bin/setpriv', '--reuid=0', ROOM.node, '-e', '0']);
    expect(caps.code).not.toBe(0);
    const dump = await run('', 3_000, ['/bin/setpriv', '--dump']);
    expect(dump.stdout).toMatch(/^uid: [1-9]/m);
    expect(dump.stdout).toMatch(/no_new_privs: 1/);
    expect(dump.stdout).toMatch(/Capability bounding set: \[none\]/);
    expect(dump.stdout).toMatch(/Supplementary groups: (\[none\]|65534)/);
    nothingLeft();
  });

  it('runs nothing that was written inside', async () => {
    const exit = await run(
      "const fs = require('fs'); fs.copyFileSync('/bin/setpriv', '/tmp/x'); fs.chmodSync('/tmp/x', 0o755); const r = require('child_process').spawnSync('/tmp/x', ['--version']); console.log(r.error?.code)",
    );
    expect(exit.stdout.trim()).toBe('EACCES');
  });

  it('runs nothing that was written inside through the loader either', async () => {
    const exit = await run(
      "const fs = require('fs'); fs.copyFileSync('/bin/setpriv', '/tmp/x'); const loader = ['/lib64', '/lib'].flatMap((d) => { try { return fs.readdirSync(d, { recursive: true }).filter((f) => /ld-linux[^/]*$/.test(f)).map((f) => d + '/' + f); } catch { return []; } })[0]; const r = require('child_process').spawnSync(loader, ['/tmp/x', '--version']); console.log(r.status !== 0, String(r.stderr).includes('cannot') || String(r.stderr).includes('failed'))",
    );
    expect(exit.stdout.trim()).toBe('true true');
  });

  it('has no program that changes its user, and makes none', async () => {
    const exit = await run(
      "const fs = require('fs'); const all = fs.readdirSync('/', { recursive: true }).filter((f) => { try { return fs.lstatSync('/' + f).mode & 0o6000; } catch { return false; } }); fs.copyFileSync('/bin/setpriv', '/tmp/x'); fs.chmodSync('/tmp/x', 0o6755); const r = require('child_process').spawnSync('/tmp/x', ['--dump']); console.log(JSON.stringify(all), r.error?.code)",
    );
    expect(exit.stdout.trim()).toBe('[] EACCES');
  });

  it('has no tool to mount, trace, enter namespaces or make keys with', async () => {
    const exit = await run(
      "const { spawnSync } = require('child_process'); const tools = ['mount', 'umount', 'unshare', 'nsenter', 'strace', 'gdb', 'keyctl', 'mknod', 'mkfifo', 'su', 'sudo', 'sh', 'bash', 'perl', 'python3']; const there = tools.filter((t) => ['/bin/', '/usr/bin/', '/sbin/', '/usr/sbin/'].some((d) => spawnSync(d + t, []).error?.code !== 'ENOENT')); console.log(there.join() || 'none')",
    );
    expect(exit.stdout.trim()).toBe('none');
  });

  it('cannot raise the limits of another process', async () => {
    const raise = await run('', 3_000, ['/bin/prlimit', '--pid=1', '--nofile=100000:100000']);
    expect(raise.code).not.toBe(0);
    nothingLeft();
  });

  it('bounds files in number and size', async () => {
    const exit = await run(
      "const fs = require('fs'); let n = 0; try { for (;; n++) fs.writeFileSync('/tmp/' + n, ''); } catch (e) { console.log(e.code, n < 1100); } try { fs.writeFileSync('/tmp/0', Buffer.alloc(64 << 20)); } catch (e) { console.log(e.code); }",
    );
    expect(exit.stdout).toMatch(/ENOSPC true\n(EFBIG|ENOSPC)/);
  });

  it('sees no process but its own', async () => {
    const exit = await run(
      "const alive = []; for (let p = 1; p < 70000; p++) try { process.kill(p, 0); alive.push(p); } catch (e) { if (e.code !== 'ESRCH') alive.push(p); } console.log(Math.max(...alive) < 100, alive.length < 20)",
    );
    expect(exit.stdout.trim()).toBe('true true');
  });

  it('ends at once when asked', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 150);
    const exit = await runRoom(
      found.jail,
      { argv: [ROOM.node, '-e', 'for(;;);'], cwd: '/', caseDir: dir, ruleDir: dir, limits: CHECK_ROOM },
      { timeoutMs: 8_000, signal: stop.signal, maxOutputBytes: 1 << 20, keepBytes: 1 << 16 },
    );
    expect(exit.killedFor).toBe('cancelled');
    expect(exit.elapsedMs).toBeLessThan(6_000);
    nothingLeft();
  });
});
