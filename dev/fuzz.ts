/**
 * `npm run fuzz`: hostile requests over bare connections against a whole local stack with two organisations. No
 * 5xx, nothing of the other organisation, and afterwards every table and every object as they were. Then bad
 * tokens: the same bytes, and how long each kind takes. `--seed N` repeats a run, `--only N` sends one request
 * of it; exit code 1 when anything was wrong.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { FuzzJob } from '../test/support/fuzz/job.ts';
import { type TokenKind, timeTokens } from '../test/support/fuzz/token-timing.ts';
import { type Ask, makeWorld, type World } from '../test/support/fuzz/world.ts';
import { scriptedReplies } from '../test/support/scripted-model.ts';
import { endWithParent } from './end-with-parent.ts';
import { startModelServer } from './model-server.ts';
import { type Stack, startStack } from './stack.ts';
import { table } from './table.ts';

endWithParent();

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string' },
    rounds: { type: 'string', default: '500' },
  },
});
const requests = Number(values.requests);
const seed = Number(values.seed);
const rounds = Number(values.rounds);
const only = values.only === undefined ? null : Number(values.only);
if (![requests, seed, rounds, only ?? 0].every((n) => Number.isInteger(n) && n >= 0)) {
  process.stderr.write('usage: npm run fuzz -- [--requests N] [--seed N] [--only N] [--rounds N]\n');
  process.exit(2);
}

const SENDER = join(import.meta.dirname, 'fuzz-requests.ts');

const scratch = await mkdtemp(join(tmpdir(), 'assay-fuzz-'));
const model = await startModelServer({ reply: scriptedReplies() });
const other = `assay_${randomBytes(24).toString('base64url')}`;
try {
  const stack = await startStack({
    stateDirectory: scratch,
    model: { apiKey: 'test', baseUrl: model.url, id: 'test-model' },
    otherTokens: { other: createHash('sha256').update(other).digest('hex') },
  });
  try {
    const ask = asking(stack.url);
    const world = await makeWorld(ask, { first: stack.token, second: other });
    const ok = (await fuzz(stack, world)) && (only !== null || (await compareTokens(stack, ask)));
    process.exitCode = ok ? 0 : 1;
  } finally {
    await stack.stop();
  }
} finally {
  await model.close();
  await rm(scratch, { recursive: true, force: true });
}

/** In a process of its own: the table of routes is the Worker's code. */
async function fuzz(stack: Stack, world: World): Promise<boolean> {
  const child = spawn(process.execPath, [SENDER], { stdio: ['pipe', 'inherit', 'inherit'] });
  const job: FuzzJob = {
    port: portOf(stack),
    storage: join(scratch, 'storage'),
    world,
    seed,
    requests,
    only,
  };
  child.stdin?.end(JSON.stringify(job));
  return (await new Promise((resolve) => child.once('close', resolve))) === 0;
}

function portOf(stack: Stack): number {
  return Number(new URL(stack.url).port);
}

async function compareTokens(stack: Stack, ask: Ask): Promise<boolean> {
  const made = await ask('POST', '/v1/tokens', stack.token, { name: 'gone', scopes: ['read'] });
  const { id, token } = made.body as { id: string; token: string };
  await ask('DELETE', `/v1/tokens/${id}`, stack.token);
  const kinds: TokenKind[] = [
    { name: 'missing', authorization: null },
    { name: 'malformed', authorization: 'Bearer ' },
    { name: 'another scheme', authorization: `Basic ${stack.token}` },
    { name: 'wrong', authorization: `Bearer assay_${randomBytes(24).toString('base64url')}` },
    { name: 'wrong in its last character', authorization: `Bearer ${stack.token.slice(0, -1)}~` },
    { name: 'revoked', authorization: `Bearer ${token}` },
    { name: 'too long', authorization: `Bearer ${'x'.repeat(600)}` },
  ];
  const { answers, figures } = await timeTokens(portOf(stack), '/v1/generations', kinds, rounds, seed);
  console.log(
    table(
      ['token', 'median ms', 'p95 ms', 'z against the others'],
      figures.map((one) => [one.name, one.medianMs.toFixed(3), one.p95Ms.toFixed(3), one.z.toFixed(1)]),
    ),
  );
  for (const answer of answers.slice(1)) console.log(`FAULT: another answer: ${answer}`);
  if (answers.length === 1) console.log(`the same answer ${figures.length * rounds} times: ${answers[0]}`);
  return answers.length === 1;
}

function asking(url: string): Ask {
  return async (method, path, token, body, headers) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      body: answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text,
    };
  };
}
