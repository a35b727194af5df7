/**
 * The rotation drill: a rule by one key, a rule by the next, and a consumer who follows. Old rules still verify,
 * new ones use the new key, what is revoked is refused, and nobody is led back.
 */
import type { ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../cli/connection.ts';
import { sha256Hex } from '../../src/rules/digest.ts';
import { DAY_MS } from '../../src/signing/revocations.ts';
import { openTrust } from '../../src/signing/trust.ts';
import { descendants, firstLine, output, startNode, untilGone } from '../support/processes.ts';
import { request } from '../support/rule.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let scratch: string;
let stack: ChildProcess;
let connection: Connection;

async function start(): Promise<void> {
  stack = startNode([join(ROOT, 'test/support/stack-process.ts'), join(scratch, 'state')]);
  connection = JSON.parse(await firstLine(stack)) as Connection;
}

async function stop(): Promise<void> {
  const left = descendants(stack.pid ?? 0);
  stack.kill('SIGTERM');
  expect(await untilGone([stack.pid ?? 0, ...left])).toEqual([]);
}

async function assay(...args: string[]) {
  const run = await output(
    startNode([join(ROOT, 'bin/assay.mjs'), ...args], {
      ...process.env,
      NO_COLOR: '1',
      ASSAY_URL: connection.url,
      ASSAY_TOKEN: connection.token,
      ASSAY_TRUST: join(scratch, 'consumer'),
    }),
  );
  return run;
}

async function yes(...args: string[]): Promise<string> {
  const run = await assay(...args);
  expect(run, `assay ${args.join(' ')}: ${run.stdout}${run.stderr}`).toMatchObject({ code: 0 });
  return run.stdout;
}

async function generate(name: string): Promise<string> {
  const file = join(scratch, `${name}.json`);
  await writeFile(file, JSON.stringify({ ...request, name, prompt: `No eval ${name} [[good]]` }));
  return (await yes('generate', file, '--out', join(scratch, 'rules'))).trim();
}

/** The name of the signer, or why it is refused. */
async function judge(rule: string): Promise<unknown> {
  const { stdout } = await assay('verify', rule, '--json');
  const answer = JSON.parse(stdout) as Record<string, unknown>;
  return answer.ok === true ? answer.signer : answer.reason;
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-rotation-'));
  await start();
});
afterAll(async () => {
  await stop();
  await rm(scratch, { recursive: true, force: true });
});

test('rotate, revoke a key, revoke a rule: consumers follow, and only forward', async () => {
  const keys = join(scratch, 'state', 'keys');
  const first = await sha256Hex(await readFile(join(keys, 'public', 'trust-root.json')));
  await yes('trust', 'init', connection.url, '--expect', first);
  const ruleA = await generate('rule-a');
  expect(await judge(ruleA)).toBe('signing-1');
  const before = join(scratch, 'before');
  await yes('keys', 'export', '--dir', keys, '--out', before);

  await yes('keys', 'rotate', '--dir', keys, '--overlap-hours', '0');
  await stop();
  await start();
  const ruleB = await generate('rule-b');
  expect([await judge(ruleA), await judge(ruleB)]).toEqual(['signing-1', 'key_unknown']);
  await yes('trust', 'update', connection.url);
  expect([await judge(ruleA), await judge(ruleB)]).toEqual(['signing-1', 'signing-2']);

  await yes('keys', 'revoke', '--dir', keys, '--key', 'signing-1', '--reason', 'drill');
  await yes('keys', 'publish', '--dir', keys);
  await yes('trust', 'update', connection.url);
  expect([await judge(ruleA), await judge(ruleB)]).toEqual(['key_revoked', 'signing-2']);

  await yes('keys', 'revoke', '--dir', keys, '--bundle', ruleB, '--reason', 'drill');
  await yes('keys', 'publish', '--dir', keys);
  await yes('trust', 'update');
  expect([await judge(ruleA), await judge(ruleB)]).toEqual(['key_revoked', 'bundle_revoked']);

  const back = await assay('trust', 'update', before, '--json');
  expect({ code: back.code, ...JSON.parse(back.stdout) }).toMatchObject({
    code: 1,
    reason: 'trust_root_rollback',
  });
  // The newest root beside the list of before: known to be old by its number, whatever its date.
  await cp(join(keys, 'public'), join(scratch, 'mixed'), { recursive: true });
  await cp(join(before, 'revocations.json'), join(scratch, 'mixed', 'revocations.json'));
  const mixed = await assay('trust', 'update', join(scratch, 'mixed'), '--json');
  expect(JSON.parse(mixed.stdout)).toMatchObject({ reason: 'revocations_rollback' });
  expect(await judge(ruleB)).toBe('bundle_revoked');

  const file = (name: string) => readFile(join(scratch, 'consumer', name));
  const later = new Date(Date.now() + 31 * DAY_MS).toISOString();
  expect(await openTrust(await file('trust-root.json'), await file('revocations.json'), later)).toMatchObject(
    {
      ok: false,
      reason: 'revocations_stale',
    },
  );
});
