/** The service through the dev server and the command line, killed without warning in the middle. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../../cli/client.ts';
import type { Connection } from '../../cli/connection.ts';
import { type GenerationDetail, hasEnded } from '../../src/schema/api.ts';
import { descendants, firstLine, output, startNode, untilGone } from '../support/processes.ts';
import { request } from '../support/rule.ts';
import {
  type ReceivedWebhook,
  startWebhookReceiver,
  type WebhookReceiver,
} from '../support/webhook-receiver.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STACK = join(ROOT, 'test/support/stack-process.ts');

let scratch: string;
let stack: ChildProcess;
let connection: Connection;
let receiver: WebhookReceiver;
let webhookSecret: string;

async function start(): Promise<void> {
  stack = startNode([STACK, join(scratch, 'state')]);
  connection = JSON.parse(await firstLine(stack)) as Connection;
}

const assay = (...args: string[]) =>
  output(
    startNode([join(ROOT, 'bin/assay.mjs'), ...args], {
      ...process.env,
      NO_COLOR: '1',
      ASSAY_URL: connection.url,
      ASSAY_TOKEN: connection.token,
    }),
  );
const scripted = (script: string) => ({ ...request, name: 'no-eval', prompt: `No eval [[${script}]]` });

async function untilEnded(client: ApiClient, id: string): Promise<GenerationDetail> {
  for (let tries = 0; tries < 600; tries += 1) {
    const generation = await client.get(id);
    if (hasEnded(generation.status)) return generation;
    await wait(100);
  }
  throw new Error('the generation did not end');
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-e2e-'));
  receiver = await startWebhookReceiver();
  await start();
});
afterAll(async () => {
  const left = descendants(stack.pid ?? 0);
  stack.kill('SIGTERM');
  expect(await untilGone([stack.pid ?? 0, ...left])).toEqual([]);
  await receiver.close();
  await rm(scratch, { recursive: true, force: true });
});

test('assay generate shows its progress and writes the signed rule once', async () => {
  const file = join(scratch, 'request.json');
  await writeFile(file, JSON.stringify(scripted('silent, good')));
  const out = join(scratch, 'rules');
  const run = await assay('generate', file, '--out', out);
  expect(run, run.stderr).toMatchObject({ code: 0, stdout: `${join(out, 'no-eval')}\n` });
  for (const line of [
    'attempt 1: 1 of 2 cases pass',
    'attempt 2: 2 of 2 cases pass',
    'signed: all 2 cases pass on attempt 2 of 5',
  ]) {
    expect(run.stderr).toContain(line);
  }
  const again = await assay('generate', file, '--out', out);
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('no-eval exists') });
  // Nothing was asked for, and nothing is paid.
  expect(again.stderr).not.toContain('generation gen-');

  const trust = join(scratch, 'state', 'trust');
  const logged = await assay('log', 'proof', join(out, 'no-eval'), '--trust', trust);
  expect(logged, logged.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('logged') });
  const kept = join(scratch, 'checkpoint');
  const watched = await assay('log', 'checkpoint', '--out', kept, '--trust', trust);
  expect(watched, watched.stderr).toMatchObject({ code: 0 });
});

test('a rule that a second sandbox does not agree with is rejected, and both reports are there', async () => {
  const client = new ApiClient(connection);
  const { id } = await client.create(scripted('elsewhere, good'));
  const ended = await untilEnded(client, id);
  expect(ended).toMatchObject({ status: 'signed', attempt: 2 });
  expect(ended.attempts[0]).toMatchObject({
    verdict: 'rejected',
    summary: expect.stringMatching(/the sandboxes disagree: host: reported .*isolate: missing/),
  });
  const replayed = await assay('replay', id, '--attempt', '1', '--sandbox', 'isolate', '--json');
  expect(JSON.parse(replayed.stdout), replayed.stderr).toMatchObject({ sandbox: 'isolate' });
  expect(replayed.code).toBe(0);
});

test('a made token does what its scope says until it is revoked; a retry is linked to what it repeats', async () => {
  const made = await assay('tokens', 'create', 'dashboard', '--scope', 'read', '--json');
  const { id: tokenId, token } = JSON.parse(made.stdout) as { id: string; token: string };
  const admin = new ApiClient(connection);
  const reader = new ApiClient({ ...connection, token });
  const { id } = await admin.create(scripted('refusal'));
  await untilEnded(reader, id);
  await expect(reader.retry(id, {})).rejects.toMatchObject({ code: 'FORBIDDEN' });
  const retried = await assay('retry', id, '--guidance', 'Be brief.', '--attempts', '2', '--json');
  expect(retried.code).toBe(1);
  expect(JSON.parse(retried.stdout)).toMatchObject({ status: 'failed', retryOf: id, attemptsMax: 2 });
  expect((await assay('tokens', 'list')).stdout).toContain(`${tokenId}  dashboard  read`);
  expect((await assay('tokens', 'revoke', tokenId)).code).toBe(0);
  await expect(reader.get(id)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});

test('whoever runs it asks for its health and its numbers, and deletes', async () => {
  const client = new ApiClient(connection);
  const { id } = await client.create(scripted('refusal'));
  await untilEnded(client, id);
  const healthy = await assay('health');
  expect(healthy, healthy.stdout).toMatchObject({ code: 0 });
  expect(healthy.stdout).toMatch(/^ok +sandbox:isolate: .*\n(.*\n)*ok\n$/m);
  const counted = await assay('metrics');
  expect(counted.stdout).toContain('failed MODEL_REFUSED');
  expect(counted.stdout).toMatch(/^ {2}generate +p50 /m);
  expect(await assay('delete', id)).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  expect(await assay('delete', id, '--yes')).toMatchObject({ code: 0 });
  await expect(client.get(id)).rejects.toMatchObject({ code: 'GENERATION_DELETED' });
  expect(await assay('org', 'delete', 'another', '--yes')).toMatchObject({ code: 2 });
  expect((await assay('org', 'show')).stdout).toBe('organisation local\n');
});

test('a batch from the command line: made, followed, retried and verified again', async () => {
  const good = join(scratch, 'good.json');
  const bad = join(scratch, 'bad.json');
  await writeFile(good, JSON.stringify({ ...scripted('good'), name: 'no-eval-in-a-batch' }));
  await writeFile(bad, JSON.stringify(scripted('refusal')));
  const asked = ['--request', good, '--request', bad, '--name', 'nightly', '--wait', '--json'];
  const made = await assay('batch', 'create', '--mode', 'regenerate', ...asked);
  expect(made.code, made.stderr).toBe(1);
  const { id } = JSON.parse(made.stdout) as { id: string };
  expect(JSON.parse(made.stdout)).toMatchObject({ status: 'done', progress: { signed: 1, failed: 1 } });
  const failed = await assay('batch', 'items', id, '--status', 'failed');
  expect(failed.stdout).toMatch(/^1 {2}failed {2}request → gen-.*\(MODEL_REFUSED\)\n$/);
  expect((await assay('batch', 'retry-failed', id)).code).toBe(0);
  expect((await assay('batch', 'status', id, '--wait')).stdout).toContain('1 signed, 1 failed');
  expect((await assay('batch', 'list')).stdout).toContain(`${id}  done  regenerate  2 items  nightly`);

  const again = await assay(
    'batch',
    'create',
    '--mode',
    'reverify',
    '--rule-name',
    'no-eval-in-a-batch',
    '--wait',
  );
  expect(again, again.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 signed, 0 failed'),
  });
  const none = await assay('batch', 'create', '--mode', 'reverify');
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('say what the batch is of') });
});

/** What a receiver got in a box, see webhook-receiver.ts, once it is so many. */
async function untilReceived(box: string, count: number): Promise<ReceivedWebhook[]> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const got = (await (await fetch(`${receiver.url}/box/${box}`)).json()) as ReceivedWebhook[];
    if (got.length >= count) return got;
    await wait(50);
  }
  throw new Error(`no ${count} webhooks came to ${box}`);
}

test('a callback URL gets a signed webhook, which is shown and can be sent again', async () => {
  const file = join(scratch, 'callback.json');
  await writeFile(file, JSON.stringify(scripted('refusal')));
  const url = `${receiver.url}/200/told`;
  expect(await assay('generate', file, '--callback-url', url)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('make a secret to sign webhooks with first'),
  });
  const made = await assay('webhooks', 'secret', 'create');
  expect(made, made.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whsec_\S+\n$/) });
  webhookSecret = made.stdout.trim();
  expect((await assay('webhooks', 'secret', 'list')).stdout).toContain('active');
  const { id } = JSON.parse((await assay('generate', file, '--callback-url', url, '--json')).stdout) as {
    id: string;
  };
  const [webhook] = await untilReceived('told', 1);
  expect(new Webhook(webhookSecret).verify(webhook?.body ?? '', webhook?.headers ?? {})).toMatchObject({
    type: 'generation.failed',
    data: { generationId: id, reason: { code: 'MODEL_REFUSED' } },
  });
  const delivery = webhook?.headers['webhook-id'] ?? '';
  expect(await assay('webhooks', 'retry', delivery)).toMatchObject({ code: 0 });
  const [, again] = await untilReceived('told', 2);
  expect(again).toMatchObject({ body: webhook?.body, headers: { 'webhook-id': delivery } });
  const listed = await assay('webhooks', 'deliveries', '--generation', id);
  expect(listed.stdout).toContain(`generation.failed ${id}  ${url}`);
  expect((await assay('webhooks', 'deliveries', delivery)).stdout).toContain('attempt 1.1: 200');
});

test('a case that isolates cannot read is verified without them, and the rule says so', async () => {
  const client = new ApiClient(connection);
  const broken = {
    name: 'unfinished',
    kind: 'invalid' as const,
    files: { 'a.ts': 'const a = (\n', 'b.ts': 'eval(s);\n' },
  };
  const wanted = scripted('good');
  const { id } = await client.create({ ...wanted, cases: [...wanted.cases, broken] });
  const ended = await untilEnded(client, id);
  expect(ended).toMatchObject({ status: 'signed', attempt: 1, cases: { passed: 3 } });
  const confirmed = (await client.events(id, 0)).filter((event) => event.type === 'confirmed');
  expect(confirmed).toMatchObject([{ data: { unsuitable: expect.stringContaining('syntax error') } }]);
  const { files } = await client.rule(ended.ruleId ?? '');
  const bundle = JSON.parse(files['rule.sigstore.json'] ?? '') as { dsseEnvelope: { payload: string } };
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString();
  expect(JSON.parse(payload)).toMatchObject({ predicate: { confirmation: null } });
});

test('sandboxes that are killed in the middle cost retries, and the rule is signed', async () => {
  const client = new ApiClient(connection);
  const { id } = await client.create(scripted('slow'));
  while ((await client.get(id)).step === 'queued') await wait(20);
  // Twice, and no more: a step has four runs, and how fast a host comes back is the machine's doing.
  const killed = new Set<number>();
  for (let round = 0; round < 2; round += 1) {
    const hosts = await untilHosts(killed);
    for (const pid of hosts) {
      process.kill(pid, 'SIGKILL');
      killed.add(pid);
    }
    await wait(700);
  }
  expect(killed.size).toBeGreaterThan(1);
  const ended = await untilEnded(client, id);
  expect(ended, ended.reason?.message).toMatchObject({ status: 'signed', attempt: 1 });
});

/** Waits for hosts that were not killed yet, at least one. */
async function untilHosts(known: ReadonlySet<number>): Promise<number[]> {
  for (let tries = 0; tries < 600; tries += 1) {
    const hosts = descendants(stack.pid ?? 0).filter((pid) => !known.has(pid) && isVerificationHost(pid));
    if (hosts.length > 0) return hosts;
    await wait(20);
  }
  throw new Error('no host came back');
}

function isVerificationHost(pid: number): boolean {
  try {
    return /\/(?:container|isolate)\/main\.ts\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

test('a failed generation exits 1 and status tells why', async () => {
  const file = join(scratch, 'failing.json');
  await writeFile(file, JSON.stringify({ ...scripted('silent'), limits: { attempts: 1 } }));
  const run = await assay('generate', file, '--json');
  expect(run.code).toBe(1);
  const { id } = JSON.parse(run.stdout) as { id: string };
  const status = await assay('status', id);
  expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('ATTEMPTS_SPENT') });
  expect(status.stdout).toContain('engine runtime: the request names no engine');
  expect((await assay('status')).stdout).toContain(id);
  expect(await assay('status', 'gen-none')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no generation'),
  });
});

test('a cancelled generation ends cancelled', async () => {
  const client = new ApiClient(connection);
  const { id } = await client.create(scripted('slow'));
  expect(await assay('cancel', id)).toMatchObject({ code: 0, stdout: expect.stringContaining('cancelled') });
  expect(await client.get(id)).toMatchObject({ status: 'cancelled', ruleId: null });
});

test('kill -9 in the middle of generations and a batch loses nothing: all end after a restart, once', async () => {
  const callbackUrl = `${receiver.url}/500-200/over-a-crash`;
  await new ApiClient(connection).create({ ...scripted('refusal'), callbackUrl });
  const { id } = await new ApiClient(connection).create(scripted('silent, slow'));
  const requests = ['a', 'b', 'c'].map((name) => ({ ...scripted('good'), name }));
  const made = await new ApiClient(connection).createBatch({ mode: 'regenerate', requests, concurrency: 1 });
  for (let tries = 0; tries < 200 && (await new ApiClient(connection).get(id)).attempt < 2; tries += 1)
    await wait(50);
  await untilReceived('over-a-crash', 1);
  const file = join(scratch, 'followed.json');
  await writeFile(file, JSON.stringify({ ...scripted('slow'), name: 'followed' }));
  const following = assay('generate', file);
  // By its first attempt the command has long had its answer.
  const isUnderWay = async () =>
    (await new ApiClient(connection).list({})).some(
      ({ name, attempt }) => name === 'followed' && attempt > 0,
    );
  for (let tries = 0; tries < 200 && !(await isUnderWay()); tries += 1) await wait(50);
  const below = descendants(stack.pid ?? 0);
  stack.kill('SIGKILL');
  expect(below.length).toBeGreaterThan(2);
  expect(await untilGone(below)).toEqual([]);
  const left = await following;
  expect(left).toMatchObject({ code: 2, stderr: expect.stringMatching(/goes on.*assay status gen-/) });

  await start();
  const client = new ApiClient(connection);
  const ended = await untilEnded(client, id);
  expect(ended).toMatchObject({ status: 'signed', attempt: 2 });
  const events = await client.events(id, 0);
  expect(events.filter((event) => event.type === 'ended')).toHaveLength(1);
  expect(events.filter((event) => event.type === 'replied')).toHaveLength(2);
  const followed = await assay('batch', 'status', made.id, '--wait', '--json');
  expect(JSON.parse(followed.stdout), followed.stderr).toMatchObject({
    status: 'done',
    progress: { signed: 3 },
  });
  const ofBatch = await client.list({ batch: made.id });
  expect(ofBatch.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c']);

  const [first, second] = await untilReceived('over-a-crash', 2);
  expect(second).toMatchObject({
    body: first?.body,
    headers: { 'webhook-id': first?.headers['webhook-id'] },
  });
  new Webhook(webhookSecret).verify(second?.body ?? '', second?.headers ?? {});

  const now = `${connection.url}/log/checkpoint`;
  const trust = join(scratch, 'state', 'trust');
  const watched = await assay('log', 'verify', join(scratch, 'checkpoint'), now, '--trust', trust, '--json');
  expect(watched.code, watched.stderr).toBe(0);
  const sizes = JSON.parse(watched.stdout) as { oldSize: number; newSize: number };
  expect(sizes.newSize).toBeGreaterThan(sizes.oldSize);
});
