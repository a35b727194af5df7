/** `assay test` in its sandbox: what it shows, and what happens when the sandbox or the person ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { descendants, output, untilGone } from '../support/processes.ts';
import { ASSAY, assayIn, writeRule } from './support.ts';

const report = z.object({
  verdict: z.string(),
  sandbox: z.string(),
  cases: z.array(z.object({ status: z.string() })),
});
const ENDLESS = { 'check.ts': 'export default () => { for (;;) {} }\n' };
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-sandboxes-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** A command under way, once its sandbox has been started. */
async function started(...args: string[]): Promise<{ child: ChildProcess; host: number }> {
  const child = spawn(process.execPath, [ASSAY, 'test', ...args], {
    cwd: scratch,
    env: { PATH: process.env.PATH ?? '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (;;) {
    const [host] = descendants(child.pid ?? 0);
    if (host !== undefined) return { child, host };
    await wait(20);
  }
}

test.each(['host', 'isolate'])('the same verdicts in the sandbox %s', async (kind) => {
  const verdicts: unknown[] = [];
  const rules: Record<string, string>[] = [{}, { '.tests/valid/json/a.ts': 'eval(1);\n' }];
  for (const over of rules) {
    const run = await assayIn(scratch, ['test', await writeRule(scratch, over), '--sandbox', kind, '--json']);
    const { verdict, sandbox, cases } = report.parse(JSON.parse(run.stdout));
    verdicts.push([run.code, verdict, sandbox, cases.map((one) => one.status)]);
  }
  expect(verdicts).toEqual([
    [0, 'accepted', kind, ['reported', 'validated']],
    [1, 'rejected', kind, ['reported', 'noisy']],
  ]);
});

test('--verbose shows matches, findings, console and errors with their line', async () => {
  const check = `console.log('at the top\\u001b[31m');
export default (root: string, matches: { file: string }[]) => {
  if (matches.length > 1) throw new RangeError('too many');
  return matches.map(({ file }) => ({ file, message: 'first\\nsecond', severity: 'warning' }));
};
`;
  const at = await writeRule(scratch, {
    'check.ts': check,
    '.tests/invalid/twice/b.ts': 'eval(1); eval(2);\n',
  });
  const run = await assayIn(scratch, ['test', at, '--verbose']);
  expect(run).toMatchObject({ code: 1, stderr: '' });
  for (const line of [
    '    matches: 1',
    '      call a.ts:1:1  eval(s)  $CODE=s',
    '      a.ts  warning: first second',
    '      | at the top',
    '    RangeError: too many (check.ts:3)',
    ">    3 |   if (matches.length > 1) throw new RangeError('too many');",
  ])
    expect(run.stdout).toContain(line);
  expect(run.stdout).not.toContain('\u001b');
  const brief = await assayIn(scratch, ['test', at]);
  expect(brief.stdout).not.toContain('at the top');
});

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, code) => {
  test.each([
    ['while the sandbox starts', 0],
    ['while a check runs', 2_000],
  ])('%s: ends the sandbox, says nothing, leaves nothing', async (_when, delayMs) => {
    const { child } = await started(await writeRule(scratch, ENDLESS), '--json');
    const ended = output(child);
    await wait(delayMs);
    const pids = [child.pid ?? 0, ...descendants(child.pid ?? 0)];
    child.kill(signal);
    expect(await ended).toEqual({ code, stdout: '', stderr: '' });
    expect(await untilGone(pids)).toEqual([]);
  });
});

describe('a sandbox that fails is no verdict', () => {
  test('killed under a check: inconclusive, with the next move, as one document', async () => {
    const { child, host } = await started(await writeRule(scratch, ENDLESS), '--json');
    const ended = output(child);
    await wait(2_000);
    const rooms = descendants(host);
    process.kill(host, 'SIGKILL');
    const run = await ended;
    expect(JSON.parse(run.stdout)).toMatchObject({
      ok: false,
      verdict: 'inconclusive',
      sandbox: 'host',
      code: 'SANDBOX_UNAVAILABLE',
      hint: expect.stringContaining('again'),
      cases: [],
    });
    expect(run).toMatchObject({ code: 2, stderr: '' });
    expect(await untilGone([host, ...rooms])).toEqual([]);
  });

  test('not to be had: inconclusive, naming what is missing and what to do', async () => {
    const env = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
    const at = await writeRule(scratch);
    const run = await assayIn(scratch, ['test', at, '--sandbox', 'container'], env);
    expect(run).toMatchObject({ code: 2, stdout: expect.stringMatching(/^inconclusive .*\(NO_DOCKER\)\n$/) });
    expect(run.stderr).toContain('--sandbox host');
    const json = await assayIn(scratch, ['test', at, '--sandbox', 'container', '--json'], env);
    expect(JSON.parse(json.stdout)).toMatchObject({
      verdict: 'inconclusive',
      sandbox: 'container',
      code: 'NO_DOCKER',
    });
  });
});
