/** The container that `assay test --sandbox container` starts: what it answers, what it may, and that it goes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { startContainerHost } from '../../cli/container-host.ts';
import { ISOLATION_FLAGS } from '../../container/protocol.ts';
import { HttpSandbox } from '../../src/sandboxes/http.ts';
import { verifyAll } from '../../src/sandboxes/verify-all.ts';
import { docker } from './docker.ts';
import { fixtureRules } from './fixture-rules.ts';

const GONE_WITHIN_MS = 30_000;
const STARTER = fileURLToPath(new URL('../../cli/container-host.ts', import.meta.url));

const ours = (): string[] =>
  docker(['ps', '--all', '--quiet', '--filter', 'name=^assay-host-']).stdout.split('\n').filter(Boolean);

afterEach(async () => {
  const until = Date.now() + GONE_WITHIN_MS;
  while (ours().length > 0 && Date.now() < until) await wait(250);
  expect(ours()).toEqual([]);
});

it('gives real rooms, on any engine, with few rights', async () => {
  const host = await startContainerHost();
  try {
    const [container = ''] = ours();
    const { HostConfig } = JSON.parse(docker(['inspect', '--format', '{{json .}}', container]).stdout) as {
      HostConfig: { CapDrop: string[]; CapAdd: string[]; ReadonlyRootfs: boolean; Privileged: boolean };
    };
    expect(HostConfig).toMatchObject({ CapDrop: ['ALL'], ReadonlyRootfs: true, Privileged: false });
    expect(HostConfig.CapAdd.map((name) => name.replace('CAP_', '')).sort()).toEqual([
      'KILL',
      'SETGID',
      'SETUID',
    ]);
    expect(docker(['port', container]).stdout).toMatch(/^8080\/tcp -> 127\.0\.0\.1:\d+$/);
    for (const { rule, cases } of (await fixtureRules()).slice(0, 2)) {
      const report = await verifyAll(new HttpSandbox('container', host), rule, cases, 10_000);
      expect(ISOLATION_FLAGS.filter((flag) => !report.isolation.flags[flag])).toEqual([]);
      expect(report.cases.map(({ outcome }) => outcome)).not.toContain('host_error');
    }
    expect((await fetch(`${host.url}/healthz`)).status).toBe(401);
  } finally {
    await host.stop();
  }
});

it('goes when its starter is killed', async () => {
  const script = `const { startContainerHost } = await import(${JSON.stringify(STARTER)});
    console.log((await startContainerHost()).url); setInterval(() => {}, 1e9);`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string];
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(ours()).toHaveLength(1);
  starter.kill('SIGKILL');
});
