/**
 * The restore drill: a stack with signed rules, failed generations and one in the middle is backed up and lost;
 * what comes back verifies byte for byte, its log goes on from where it was, and what was in the middle ends.
 */
import type { ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../../cli/client.ts';
import type { Connection } from '../../cli/connection.ts';
import { manifestSchema, paths } from '../../dev/backup/format.ts';
import { type GenerationDetail, hasEnded } from '../../src/schema/api.ts';
import { descendants, firstLine, output, startNode, untilGone } from '../support/processes.ts';
import { request } from '../support/rule.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BACKUP = join(ROOT, 'dev/backup/main.ts');

let scratch: string;
let stack: ChildProcess;
let connection: Connection;

const client = () => new ApiClient(connection);
const storage = () => join(scratch, 'state', 'storage');
const scripted = (script: string) => ({ ...request, name: 'no-eval', prompt: `No eval [[${script}]]` });

async function start(): Promise<void> {
  stack = startNode([join(ROOT, 'test/support/stack-process.ts'), join(scratch, 'state')]);
  connection = JSON.parse(await firstLine(stack)) as Connection;
}
/** All of it at once, as a machine that fails. */
async function lose(): Promise<void> {
  const left = [stack.pid ?? 0, ...descendants(stack.pid ?? 0)];
  stack.kill('SIGKILL');
  expect(await untilGone(left)).toEqual([]);
}
async function untilEnded(id: string): Promise<GenerationDetail> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const generation = await client().get(id);
    if (hasEnded(generation.status)) return generation;
    await wait(100);
  }
  throw new Error(`generation ${id} did not end`);
}
const backup = (...args: string[]) => output(startNode([BACKUP, ...args]));
const assay = (...args: string[]) =>
  output(
    startNode([join(ROOT, 'bin/assay.mjs'), ...args], {
      ...process.env,
      NO_COLOR: '1',
      ASSAY_URL: connection.url,
      ASSAY_TOKEN: connection.token,
      ASSAY_TRUST: join(scratch, 'state', 'trust'),
    }),
  );

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-restore-'));
  await start();
});
afterAll(async () => {
  const left = descendants(stack.pid ?? 0);
  stack.kill('SIGTERM');
  expect(await untilGone([stack.pid ?? 0, ...left])).toEqual([]);
  await rm(scratch, { recursive: true, force: true });
});

test('run, back up, lose everything, restore: rules verify, the log goes on, what was in the middle ends', async () => {
  const signed = [];
  for (const script of ['good', 'silent, good'])
    signed.push(await untilEnded((await client().create(scripted(script))).id));
  const failed = await untilEnded((await client().create(scripted('refusal'))).id);
  const rules = await Promise.all(signed.map((one) => client().rule(one.ruleId ?? '')));
  const events = await client().events(failed.id, 0);
  const watched = join(scratch, 'checkpoint');
  expect(await assay('log', 'checkpoint', '--out', watched)).toMatchObject({ code: 0 });
  const { id: inTheMiddle } = await client().create(scripted('slow'));
  while ((await client().get(inTheMiddle)).step !== 'generate') await wait(20);
  await lose();

  const kept = join(scratch, 'backup');
  const saved = await backup('backup', '--out', kept, '--local', storage());
  expect(saved, saved.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('a log of 2 entries'),
  });
  expect(await backup('backup', '--out', kept, '--local', storage())).toMatchObject({ code: 1 });
  // Into what is there: refused, and nothing is touched.
  expect(await backup('restore', '--from', kept, '--local', storage())).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the database is not empty'),
  });
  await rm(storage(), { recursive: true });

  // A backup that was changed, or is not whole, is none.
  const bad = join(scratch, 'bad');
  await cp(kept, bad, { recursive: true });
  await writeFile(paths(bad).database, `${await readFile(paths(bad).database, 'utf8')}\n`);
  expect(await backup('restore', '--from', bad, '--local', storage())).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('database.sql of the backup was changed'),
  });
  await rm(paths(bad).manifest);
  expect(await backup('restore', '--from', bad, '--local', storage())).toMatchObject({ code: 1 });

  const restored = await backup('restore', '--from', kept, '--local', storage());
  expect(restored, restored.stderr).toMatchObject({ code: 0 });
  await start();

  expect(await Promise.all(signed.map((one) => client().get(one.id)))).toEqual(signed);
  expect(await Promise.all(signed.map((one) => client().rule(one.ruleId ?? '')))).toEqual(rules);
  expect(await client().get(failed.id)).toEqual(failed);
  expect(await client().events(failed.id, 0)).toEqual(events);
  const ended = await untilEnded(inTheMiddle);
  expect(ended).toMatchObject({ status: 'signed', attempt: 1, spend: { calls: 1 } });

  const file = join(scratch, 'request.json');
  await writeFile(file, JSON.stringify({ ...scripted('good'), name: 'after' }));
  const after = await assay('generate', file, '--out', join(scratch, 'rules'));
  expect(after, after.stderr).toMatchObject({ code: 0 });
  const proven = await assay('log', 'proof', join(scratch, 'rules', 'after'));
  expect(proven, proven.stdout + proven.stderr).toMatchObject({ code: 0 });
  // The checkpoint from before is a beginning of the log as it is now: nobody was shown two histories.
  const grown = await assay('log', 'verify', watched, `${connection.url}/log/checkpoint`, '--json');
  expect(grown, grown.stdout + grown.stderr).toMatchObject({ code: 0 });
  const now = join(scratch, 'checkpoint-after');
  expect(await assay('log', 'checkpoint', '--out', now)).toMatchObject({ code: 0 });
  expect((await readFile(now, 'utf8')).split('\n')[1]).toBe('4');
  const { logEntries } = manifestSchema.parse(JSON.parse(await readFile(paths(kept).manifest, 'utf8')));
  expect(logEntries).toBe(2);
  expect(await assay('health')).toMatchObject({ code: 0, stdout: expect.stringContaining('\nok\n') });
});
