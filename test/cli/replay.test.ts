/** `assay replay` against a whole service: what was stored, run again here, and worked on by hand. */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { descendants, firstLine, startNode, untilGone } from '../support/processes.ts';
import { request } from '../support/rule.ts';
import { assayIn, ROOT } from './support.ts';
import { type ReplayDocument, replayDocument, Watch } from './watch.ts';

const connection = z.object({ url: z.string(), token: z.string() });
const STACK = join(ROOT, 'test/support/stack-process.ts');
/** Attempt 1 has no rule, 2 throws, 3 finds nothing, 4 is noisy, 5 is accepted. */
const SCRIPT = 'imports, throws, misses, noisy, good';
const STORED = [
  [2, 'rejected', { 'parses JSON': 'validated', evaluates: 'error' }],
  [3, 'rejected', { 'parses JSON': 'validated', evaluates: 'missing' }],
  [4, 'rejected', { 'parses JSON': 'noisy', evaluates: 'reported' }],
  [5, 'accepted', { 'parses JSON': 'validated', evaluates: 'reported' }],
] as const;

let scratch: string;
let stack: ChildProcess;
let env: Record<string, string>;
let generation: string;

const replay = (...args: string[]) => assayIn(scratch, ['replay', ...args], env);
const statuses = (doc: ReplayDocument) => Object.fromEntries(doc.cases.map((one) => [one.name, one.status]));

async function generate(script: string): Promise<string> {
  const file = join(scratch, 'request.json');
  await writeFile(file, JSON.stringify({ ...request, name: 'no-eval', prompt: `No eval [[${script}]]` }));
  const run = await assayIn(scratch, ['generate', file, '--json'], env);
  return z.object({ id: z.string() }).parse(JSON.parse(run.stdout)).id;
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-replay-'));
  stack = startNode([STACK, join(scratch, 'state')]);
  const { url, token } = connection.parse(JSON.parse(await firstLine(stack)));
  env = { ASSAY_URL: url, ASSAY_TOKEN: token };
  generation = await generate(SCRIPT);
});
afterAll(async () => {
  const left = descendants(stack.pid ?? 0);
  stack.kill('SIGTERM');
  expect(await untilGone([stack.pid ?? 0, ...left])).toEqual([]);
  await rm(scratch, { recursive: true, force: true });
});

describe('once', () => {
  test.each(STORED)('attempt %i agrees with what was stored', async (attempt, verdict, expected) => {
    const run = await replay(generation, '--attempt', String(attempt), '--json');
    const doc = replayDocument.parse(JSON.parse(run.stdout));
    expect(doc).toMatchObject({
      attempt,
      verdict,
      agrees: true,
      edited: false,
      sandbox: 'host',
      stored: { verdict },
    });
    expect(statuses(doc)).toEqual(expected);
    expect(run.code).toBe(0);
  });

  test('the last attempt with a rule, and for a person: matches, findings, error with its line', async () => {
    const last = await replay(generation);
    expect(last).toMatchObject({ code: 0, stderr: '' });
    for (const text of [
      `${generation}, attempt 5 (accepted)`,
      'call a.ts:1:1  eval(s)  $CODE=s',
      'a.ts:1  eval is used',
      'reported as stored',
      'the replay agrees with what was stored',
    ])
      expect(last.stdout).toContain(text);
    const second = await replay(generation, '--attempt', '2');
    expect(second.stdout).toContain('TypeError: no such thing (check.ts:1)');
    expect(second.stdout).toMatch(/> {4}1 \| export default function check\(\) \{ throw/);
    const third = await replay(generation, '--attempt', '3');
    expect(third.stdout).toMatch(/syntax tree of a\.ts \(typescript\):\n.*program/);
  });

  test('in another sandbox than then', async () => {
    const run = await replay(generation, '--attempt', '2', '--sandbox', 'isolate', '--json');
    const doc = replayDocument.parse(JSON.parse(run.stdout));
    expect(doc).toMatchObject({ agrees: true, sandbox: 'isolate', verdict: 'rejected' });
    expect(statuses(doc)).toEqual({ 'parses JSON': 'validated', evaluates: 'error' });
    expect(run.code).toBe(0);
  });

  test('only the cases that are named', async () => {
    const run = await replay(generation, '--attempt', '3', '--case', 'evaluates', '--json');
    expect(run.code).toBe(0);
    expect(statuses(replayDocument.parse(JSON.parse(run.stdout)))).toEqual({ evaluates: 'missing' });
  });

  test.each<[string, () => string[], string, string]>([
    [
      'an unknown generation',
      () => ['gen-00000000000000000000000000'],
      'NOT_FOUND',
      'there is no generation',
    ],
    ['an id that is a path', () => ['../../keys'], 'NOT_FOUND', 'there is no generation'],
    ['an attempt that was not made', () => [generation, '--attempt', '9'], 'NO_ATTEMPT', 'has 1, 2, 3, 4, 5'],
    [
      'an attempt without a rule',
      () => [generation, '--attempt', '1'],
      'NO_RULE',
      'inspection refused the rule',
    ],
    ['an unknown case', () => [generation, '--case', 'evaluate'], 'NO_CASE', '"evaluate"'],
  ])('%s: exit code 2, a code and the reason', async (_name, args, code, message) => {
    const run = await replay(...args(), '--json');
    expect(JSON.parse(run.stdout)).toMatchObject({
      ok: false,
      code,
      message: expect.stringContaining(message),
    });
    expect(run.code).toBe(2);
  });

  test('an unknown case lists the names there are', async () => {
    const run = await replay(generation, '--case', 'x');
    expect(run.stderr).toMatch(/parses JSON\n.*evaluates/);
  });

  test('a generation without any rule has nothing to replay', async () => {
    const run = await replay(await generate('refusal'), '--json');
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, code: 'NO_RULE' });
  });

  test.each([
    ['--attempt', 'two', 'whole number'],
    ['--sandbox', 'moon', 'host, isolate, container'],
  ])('%s %s is a usage error', async (option, value, message) => {
    expect(await replay(generation, option, value)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    });
  });
});

const good = (text: string) => text.replace('evil', 'eval');
const problem = (message: string) => z.object({ run: z.number(), message: z.string().includes(message) });

describe('watching', () => {
  test('a rule is worked on as in an editor: edits, saves by rename, mistakes, new captures', async () => {
    const watch = new Watch(scratch, env, generation, '--attempt', '3');
    const copy = join(scratch, '.assay/replay', `${generation}-3`, 'no-eval');
    const first = await watch.verdict('rejected');
    expect(first).toMatchObject({ agrees: true, edited: false, run: 1 });
    const capture = join(copy, 'captures/call.yml');
    const text = await readFile(capture, 'utf8');

    await writeFile(capture, good(text));
    const mended = await watch.verdict('accepted');
    expect(mended).toMatchObject({ agrees: false, edited: true, stored: { verdict: 'rejected' } });
    expect(statuses(mended)).toEqual({ 'parses JSON': 'validated', evaluates: 'reported' });

    const byRename = async (change: string) => {
      await writeFile(join(scratch, 'saved'), change);
      await rename(join(scratch, 'saved'), capture);
    };
    await byRename(text);
    await watch.verdict('rejected');
    await byRename(good(text));
    await watch.verdict('accepted');

    await writeFile(capture, 'rule: {');
    await watch.until(problem('not valid YAML'));
    await unlink(join(copy, 'check.ts'));
    await watch.until(problem('has no check.ts'));
    await writeFile(join(copy, 'check.ts'), 'export default () => { console.log("half"); throw');
    await writeFile(capture, good(text));
    const half = await watch.verdict('rejected');
    expect(statuses(half)).toEqual({ 'parses JSON': 'validated', evaluates: 'error' });

    const check =
      'export default (_, matches) => matches.map(({ file, rule }) => ({ file, message: rule }));\n';
    await writeFile(join(copy, 'check.ts'), check);
    await watch.verdict('accepted');
    const second = good(text)
      .replace(/^id: .*/m, 'id: second')
      .replace('eval(', 'JSON.parse(');
    await writeFile(join(copy, 'captures/second.yml'), second.replace('name: call', 'name: second'));
    const noisy = await watch.verdict('rejected');
    expect(statuses(noisy)).toEqual({ 'parses JSON': 'noisy', evaluates: 'reported' });
    expect(await watch.end('SIGINT')).toEqual({ code: 130, left: [] });

    const tested = await assayIn(scratch, ['test', copy, '--json']);
    expect(JSON.parse(tested.stdout)).toMatchObject({ verdict: 'rejected' });
    expect(tested).toMatchObject({ code: 1, stderr: '' });

    const kept = await replay(generation, '--attempt', '3', '--dir', copy, '--json');
    expect(JSON.parse(kept.stdout)).toMatchObject({ code: 'COPY_EDITED' });
    const resumed = new Watch(scratch, env, generation, '--attempt', '3');
    expect(await resumed.verdict('rejected')).toMatchObject({ run: 1, edited: true, agrees: false });
    expect(await resumed.end('SIGTERM')).toEqual({ code: 143, left: [] });
    const anew = await replay(generation, '--attempt', '3', '--dir', copy, '--fresh', '--json');
    expect(replayDocument.parse(JSON.parse(anew.stdout))).toMatchObject({ agrees: true });
    expect(await readFile(capture, 'utf8')).toBe(text);
  });

  test('a check that never ends is ended with the watch, and leaves nothing', async () => {
    const watch = new Watch(
      scratch,
      env,
      generation,
      '--attempt',
      '5',
      '--case',
      'evaluates',
      '--dir',
      'hanging',
    );
    expect(statuses(await watch.verdict('accepted'))).toEqual({ evaluates: 'reported' });
    await writeFile(join(scratch, 'hanging', 'check.ts'), 'export default () => { for (;;) {} };\n');
    await wait(1_000);
    expect(await watch.end('SIGINT')).toEqual({ code: 130, left: [] });
  });

  test('a sandbox that dies is no end: the next edit gets another', async () => {
    const watch = new Watch(scratch, env, generation, '--dir', 'robust');
    await watch.verdict('accepted');
    const [host = 0] = descendants(watch.pid);
    process.kill(host, 'SIGKILL');
    await untilGone([host]);
    const check = join(scratch, 'robust', 'check.ts');
    await writeFile(check, `${await readFile(check, 'utf8')}// 1\n`);
    expect(
      await watch.until(z.object({ verdict: z.literal('inconclusive'), code: z.string() })),
    ).toMatchObject({
      code: 'SANDBOX_UNAVAILABLE',
    });
    await writeFile(check, `${await readFile(check, 'utf8')}// 2\n`);
    await watch.verdict('accepted');
    expect(await watch.end('SIGINT')).toEqual({ code: 130, left: [] });
  });
});
