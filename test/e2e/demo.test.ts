/** The demo as a user runs it: exit code, what it writes, and that nothing is left behind. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { descendants, output, startNode, untilGone } from '../support/processes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEMO = join(ROOT, 'dev/demo.ts');
let out: string;
beforeAll(async () => {
  out = join(await mkdtemp(join(tmpdir(), 'assay-demo-')), 'demo');
});
afterAll(() => rm(dirname(out), { recursive: true, force: true }));

/** The demo must not find a live model by accident. */
const { ANTHROPIC_API_KEY: _key, ...env } = process.env;

test('every request ends in a rule that verifies, and a changed byte is refused', async () => {
  const demo = startNode([DEMO, '--out', out], env);
  const seen = new Set<number>();
  const watch = setInterval(() => {
    for (const pid of descendants(demo.pid ?? 0)) seen.add(pid);
  }, 200);
  const run = await output(demo);
  clearInterval(watch);
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  expect(run.stdout).toContain('RECORDED');
  expect(run.stdout).toContain('ANTHROPIC_API_KEY');
  expect(run.stdout).toContain('changed is refused');
  expect(run.stdout).toContain('demo passed');

  const rules = (await readdir(join(ROOT, 'fixtures/rules'))).sort();
  const written = await readdir(out);
  expect(written.filter((name) => !['key.pub.pem', 'trust'].includes(name)).sort()).toEqual(rules);
  expect(await readFile(join(out, 'key.pub.pem'), 'utf8')).toContain('BEGIN PUBLIC KEY');
  const policy = join(dirname(out), 'policy.yml');
  await writeFile(policy, 'version: 1\nconfirmation: true\nlogged: true\n');
  const directories = rules.map((name) => join(out, name));
  const options = ['--trust', join(out, 'trust'), '--policy', policy, '--json'];
  const verified = await output(
    startNode([join(ROOT, 'bin/assay.mjs'), 'verify', ...directories, ...options]),
  );
  expect(verified.code, verified.stdout).toBe(0);
  expect(JSON.parse(verified.stdout)).toHaveLength(rules.length);

  expect(seen.size).toBeGreaterThan(2);
  expect(await untilGone([...seen])).toEqual([]);
});

test('Ctrl-C in the middle ends it and leaves no process behind', async () => {
  const demo = startNode([DEMO, '--out', out], env);
  let stdout = '';
  demo.stdout?.on('data', (part) => {
    stdout += part;
  });
  const ended = new Promise<number | null>((resolve) => demo.once('exit', resolve));
  while (!stdout.includes('attempt 1') && demo.exitCode === null) await wait(50);
  const children = descendants(demo.pid ?? 0);
  demo.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(children.length).toBeGreaterThan(2);
  expect(await untilGone(children)).toEqual([]);
});
