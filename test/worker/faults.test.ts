/**
 * Every service the pipeline needs fails, once or for good, at every step: a generation ends signed all the same, or
 * with a code and a sentence; never twice, never without its evidence, never without its ledger rows. The platform's
 * retries are real and come without their delays.
 */
import { introspectWorkflow } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { BUILD_HEADER, ISOLATION_FLAGS, MAX_RESPONSE_BYTES } from '../../container/protocol.ts';
import { startInstance } from '../../src/api/start-generation.ts';
import { type Bindings, loadConfig } from '../../src/env.ts';
import { type FaultCode, isRetryable } from '../../src/errors.ts';
import { sha256Hex } from '../../src/rules/digest.ts';
import type { GenerationDetail, GenerationEvent } from '../../src/schema/api.ts';
import { keys } from '../../src/store/objects.ts';
import { openStore } from '../../src/store/store.ts';
import { policies } from '../../src/workflows/policies.ts';
import { wakeStalled } from '../../src/workflows/wake-stalled.ts';
import { type Fault, failuresOf, installFaults, startFailing } from '../support/faults.ts';
import { isolation } from '../support/rule.ts';
import { call, untilEnded } from './client.ts';

const ALWAYS = Number.POSITIVE_INFINITY;
/** Generations under way at a time. */
const AT_ONCE = 8;
const STEPS = [
  'accept',
  'classify',
  'prepare',
  'generate 1',
  'inspect 1',
  'verify 1.1',
  'confirm 1.1',
  'judge 1',
  'sign',
  'log',
  'publish',
];

let undo: () => void;
let workflows: Awaited<ReturnType<typeof introspectWorkflow>>;
beforeAll(async () => {
  undo = installFaults();
  workflows = await introspectWorkflow(env.GENERATE_RULE);
  await workflows.modifyAll(async (modifier) => modifier.disableRetryDelays());
});
afterAll(async () => {
  undo();
  await workflows.dispose();
});

interface Ended {
  readonly generation: GenerationDetail;
  readonly events: readonly GenerationEvent[];
  readonly failures: number;
}

async function ended(script: string, fault: Fault | null): Promise<Ended> {
  const id = await startFailing(script, fault);
  const generation = await untilEnded(id);
  const { body } = await call<{ events: GenerationEvent[] }>(`/v1/generations/${id}/events`);
  await assertWhole(generation, body.events);
  return { generation, events: body.events, failures: failuresOf(id) };
}

/** What holds for every end there is. */
async function assertWhole(generation: GenerationDetail, events: readonly GenerationEvent[]): Promise<void> {
  const { id, status, reason } = generation;
  expect(reason?.code, `${status} ${reason?.message}`).toMatch(/^[A-Z][A-Z_]+$/);
  expect(reason?.message.length).toBeGreaterThan(10);
  expect(events.filter((event) => event.type === 'ended')).toHaveLength(1);
  expect(events.at(-1)?.type).toBe('ended');
  const rules = await env.DB.prepare('SELECT bundle_sha256 FROM rules WHERE generation_id = ?1')
    .bind(id)
    .all();
  const bundle = await (await env.BUCKET.get(keys.bundle('first', id)))?.text();
  expect(rules.results).toHaveLength(status === 'signed' ? 1 : 0);
  if (status === 'signed') {
    expect(rules.results[0]).toEqual({ bundle_sha256: await sha256Hex(bundle ?? '') });
    for (const key of [keys.report, keys.confirmation]) {
      const report = await (await env.BUCKET.get(key('first', id, generation.attempt)))?.json();
      expect(report).toMatchObject({ verdict: 'accepted', notRun: [] });
    }
  } else if (bundle !== undefined) expect(reason?.message).not.toContain('Nothing was signed');
  await assertLedger(id);
}

/** A row for every call, settled for every answer that is stored. */
async function assertLedger(id: string): Promise<void> {
  const { results } = await env.DB.prepare('SELECT attempt, settled_at FROM spend WHERE generation_id = ?1')
    .bind(id)
    .all<{ attempt: number; settled_at: string | null }>();
  for (const attempt of [1, 2]) {
    const stored = (await env.BUCKET.head(keys.reply('first', id, attempt))) !== null;
    const settled = results.filter((row) => row.attempt === attempt && row.settled_at !== null);
    expect(settled.length, `attempt ${attempt}`).toBeLessThanOrEqual(stored ? 1 : 0);
  }
}

/** Runs a table, some at once, and says of each row that failed which it was. */
async function forEach<T>(rows: readonly T[], name: (row: T) => string, run: (row: T) => Promise<void>) {
  const left = [...rows];
  const problems: string[] = [];
  const worker = async () => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      const current = row;
      await run(row).catch((error: unknown) => problems.push(`${name(current)}: ${String(error)}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(problems).toEqual([]);
}

/** Every row with ASSAY_FAULTS_ALL=1; else enough to meet each step and each kind. */
function some<T>(rows: readonly T[], isEssential: (row: T) => boolean): readonly T[] {
  return inject('everyFault') ? rows : rows.filter(isEssential);
}

describe('a store that fails', () => {
  const rows = STEPS.flatMap((step) =>
    (['d1', 'r2'] as const).flatMap((on): Fault[] => [
      { step, on, times: 1 },
      { step, on, times: 1, when: 'after' },
      { step, on, times: ALWAYS },
    ]),
  );
  const name = ({ step, on, times, when = 'before' }: Fault) => `${step}, ${on}, ${times}, ${when}`;

  test('once, at any step: the rule is signed', async () => {
    const once = rows.filter((row) => row.times === 1);
    let happened = 0;
    await forEach(
      some(once, ({ on, when }) => (on === 'd1') === (when === 'after')),
      name,
      async (fault) => {
        const { generation, failures } = await ended('good', fault);
        happened += failures;
        expect(generation).toMatchObject({ status: 'signed', attempt: 1 });
      },
    );
    expect(happened).toBeGreaterThan(STEPS.length);
  });

  test('for good, at any step: errored, and what is said of a signature is so', async () => {
    const always = rows.filter((row) => row.times === ALWAYS);
    await forEach(
      some(always, ({ on }) => on === 'd1'),
      name,
      async (fault) => {
        const { generation, failures } = await ended('good', fault);
        if (failures === 0) expect(generation.status).toBe('signed');
        else expect(generation).toMatchObject({ status: 'errored', ruleId: null });
      },
    );
  });

  test('while the end is written: the sweep ends it', async () => {
    const id = await startFailing('refusal', { step: 'end', on: 'd1', times: ALWAYS });
    const instance = await env.GENERATE_RULE.get(id);
    while ((await instance.status()).status !== 'errored') await new Promise((go) => setTimeout(go, 50));
    await wakeStalled(env as Bindings, new Date(Date.now() + 3_600_000));
    const { status, reason } = await untilEnded(id);
    expect({ status, code: reason?.code }).toEqual({ status: 'errored', code: 'WORKFLOW_LOST' });
  });

  test('an instance that the sweep made first is no failure of the one who asked', async () => {
    const id = await startFailing('good', null);
    const config = await loadConfig(env as Bindings);
    const store = openStore(env.DB, env.BUCKET);
    const row = await store.generations.find('first', id);
    if (row === null) throw new Error('no row');
    await startInstance(config, store, row);
    expect(await untilEnded(id)).toMatchObject({ status: 'signed' });
  });
});

interface BadService {
  readonly name: string;
  readonly instead: NonNullable<Fault['instead']>;
  readonly code: FaultCode;
}

const refusing =
  (status: number, type: string, headers: Record<string, string> = {}) =>
  async () =>
    Response.json({ type: 'error', error: { type, message: 'not now' } }, { status, headers });
const throwing = (error: Error) => () => Promise.reject(error);
const stream = (...events: string[]) =>
  new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } });
/** The first half of a good answer, and then nothing or an error. */
async function half(good: () => Promise<Response>, breaks: boolean): Promise<Response> {
  const { status, headers, body } = await good();
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  const part = bytes.slice(0, bytes.length / 2);
  if (!breaks) return new Response(part, { status, headers });
  const broken = new ReadableStream({
    start: (controller) => controller.enqueue(part),
    pull: (controller) => controller.error(new TypeError('Network connection lost.')),
  });
  return new Response(broken, { status, headers });
}

const MODEL: readonly BadService[] = [
  {
    name: '429',
    instead: refusing(429, 'rate_limit_error', { 'retry-after': '7' }),
    code: 'MODEL_RATE_LIMITED',
  },
  { name: '529', instead: refusing(529, 'overloaded_error'), code: 'MODEL_UNAVAILABLE' },
  { name: '500', instead: refusing(500, 'api_error'), code: 'MODEL_UNAVAILABLE' },
  { name: '408', instead: refusing(408, 'timeout_error'), code: 'MODEL_TIMEOUT' },
  { name: '400', instead: refusing(400, 'invalid_request_error'), code: 'MODEL_BAD_REQUEST' },
  { name: '413', instead: refusing(413, 'request_too_large'), code: 'MODEL_BAD_REQUEST' },
  { name: '401', instead: refusing(401, 'authentication_error'), code: 'MODEL_UNAUTHORIZED' },
  { name: '403', instead: refusing(403, 'permission_error'), code: 'MODEL_UNAUTHORIZED' },
  {
    name: 'no connection',
    instead: throwing(new TypeError('connection refused')),
    code: 'MODEL_UNAVAILABLE',
  },
  {
    name: 'time-out',
    instead: throwing(new DOMException('timed out', 'TimeoutError')),
    code: 'MODEL_TIMEOUT',
  },
  { name: 'reset in mid-stream', instead: (good) => half(good, true), code: 'MODEL_UNAVAILABLE' },
  { name: 'stream cut short', instead: (good) => half(good, false), code: 'MODEL_UNAVAILABLE' },
  { name: 'empty stream', instead: async () => stream(), code: 'MODEL_UNAVAILABLE' },
  { name: 'no stream', instead: async () => new Response('<html>'), code: 'MODEL_UNAVAILABLE' },
  {
    name: 'garbage in the stream',
    instead: async () => stream('event: message_start\ndata: {"type":\n\n'),
    code: 'MODEL_UNAVAILABLE',
  },
  {
    name: 'overloaded in mid-stream',
    instead: async () =>
      stream('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"late"}}\n\n'),
    code: 'MODEL_UNAVAILABLE',
  },
];

/** Answers that are paid for and are no rule. */
const USELESS: readonly { script: string; status: string; code: string; attempt: number }[] = [
  { script: 'refusal', status: 'failed', code: 'MODEL_REFUSED', attempt: 1 },
  { script: 'declined', status: 'failed', code: 'MODEL_DECLINED', attempt: 1 },
  { script: 'truncated, good', status: 'signed', code: 'SIGNED', attempt: 2 },
  { script: 'prose, good', status: 'signed', code: 'SIGNED', attempt: 2 },
  { script: 'truncated', status: 'failed', code: 'ATTEMPTS_SPENT', attempt: 2 },
  { script: 'prose', status: 'failed', code: 'ATTEMPTS_SPENT', attempt: 2 },
];

const leaking = { ...isolation, flags: { ...isolation.flags, [ISOLATION_FLAGS[0]]: false } };

const SANDBOX: readonly BadService[] = [
  {
    name: 'no connection',
    instead: throwing(new TypeError('connection refused')),
    code: 'SANDBOX_UNAVAILABLE',
  },
  {
    name: 'time-out',
    instead: throwing(new DOMException('late', 'TimeoutError')),
    code: 'SANDBOX_UNAVAILABLE',
  },
  { name: '500', instead: withStatus(500), code: 'SANDBOX_UNAVAILABLE' },
  { name: '503', instead: withStatus(503), code: 'SANDBOX_UNAVAILABLE' },
  { name: '400', instead: withStatus(400), code: 'SANDBOX_REFUSED_INPUT' },
  {
    name: 'a proxy answers',
    instead: async () => new Response('<html>', { status: 502 }),
    code: 'SANDBOX_UNAVAILABLE',
  },
  { name: 'cut answer', instead: (good) => half(good, false), code: 'SANDBOX_BAD_ANSWER' },
  { name: 'reset in mid-answer', instead: (good) => half(good, true), code: 'SANDBOX_UNAVAILABLE' },
  { name: 'garbage', instead: withBody(() => '\u0000{{{'), code: 'SANDBOX_BAD_ANSWER' },
  {
    name: 'too much',
    instead: withBody(() => ' '.repeat(MAX_RESPONSE_BYTES + 1)),
    code: 'SANDBOX_BAD_ANSWER',
  },
  { name: 'of another build', instead: withBuild('c'.repeat(64)), code: 'SANDBOX_UNAVAILABLE' },
  { name: 'of another call', instead: changed({ nonce: 'another' }), code: 'SANDBOX_BAD_ANSWER' },
  { name: 'a case is missing', instead: changed({ results: [] }), code: 'SANDBOX_BAD_ANSWER' },
  {
    name: 'no case was run',
    instead: changed({ results: [], notRun: ['c0', 'c1'] }),
    code: 'SANDBOX_UNAVAILABLE',
  },
  { name: 'a wall is down', instead: changed({ isolation: leaking }), code: 'SANDBOX_NOT_ISOLATED' },
];

function withStatus(status: number): NonNullable<Fault['instead']> {
  return async (good) => new Response('{}', { status, headers: (await good()).headers });
}
function withBuild(build: string): NonNullable<Fault['instead']> {
  return async (good) => new Response((await good()).body, { headers: { [BUILD_HEADER]: build } });
}
function withBody(change: (body: string) => string): NonNullable<Fault['instead']> {
  return async (good) => {
    const response = await good();
    return new Response(change(await response.text()), { headers: response.headers });
  };
}
function changed(over: object): NonNullable<Fault['instead']> {
  return withBody((body) => JSON.stringify({ ...JSON.parse(body), ...over }));
}

const byName = ({ name }: BadService) => name;

describe('a model that fails', () => {
  test('for good: errored with its code, nothing signed, every call in the ledger', async () => {
    await forEach(MODEL, byName, async ({ instead, code }) => {
      const { generation, failures } = await ended('good', {
        step: 'generate 1',
        on: 'model',
        times: ALWAYS,
        instead,
      });
      expect(generation).toMatchObject({ status: 'errored', reason: { code }, attempt: 1 });
      expect(failures).toBe(isRetryable(code) ? policies.generate(1).config.retries.limit + 1 : 1);
      expect(generation.spend).toMatchObject({ calls: 0, unanswered: failures });
    });
  });

  test('once: asked again where that can help, and signed', async () => {
    const rows = MODEL.filter(({ code }) => isRetryable(code));
    await forEach(
      some(rows, ({ name }) => /429|mid-stream/.test(name)),
      byName,
      async ({ instead }) => {
        const { generation } = await ended('good', { step: 'generate 1', on: 'model', times: 1, instead });
        expect(generation).toMatchObject({
          status: 'signed',
          attempt: 1,
          spend: { calls: 1, unanswered: 1 },
        });
      },
    );
  });

  test('with an answer that is no rule: the next attempt, or an end that says so', async () => {
    await forEach(
      USELESS,
      ({ script }) => script,
      async ({ script, status, code, attempt }) => {
        const { generation } = await ended(script, null);
        expect(generation).toMatchObject({ status, reason: { code }, attempt });
        expect(generation.spend).toMatchObject({ calls: attempt, unanswered: 0 });
      },
    );
  });
});

describe('a sandbox that fails', () => {
  const steps = ['verify 1.1', 'confirm 1.1'];
  const rows = steps.flatMap((step) => SANDBOX.map((one) => ({ ...one, step })));
  const name = (row: (typeof rows)[number]) => `${row.step}, ${row.name}`;

  test('for good: errored with its code, nothing signed', async () => {
    await forEach(
      some(rows, ({ step }) => step === 'verify 1.1'),
      name,
      async ({ step, instead, code }) => {
        const { generation, failures } = await ended('good', { step, on: 'sandbox', times: ALWAYS, instead });
        expect(generation).toMatchObject({ status: 'errored', reason: { code }, attempt: 1, ruleId: null });
        expect(failures).toBe(isRetryable(code) ? policies.verify(1, 1).config.retries.limit + 1 : 1);
        expect(await env.BUCKET.head(keys.bundle('first', generation.id))).toBeNull();
      },
    );
  });

  test('once: tried again where that can help, and signed', async () => {
    await forEach(
      some(
        rows.filter(({ code }) => isRetryable(code)),
        (row) => row.step === 'confirm 1.1' && /500|cut/.test(row.name),
      ),
      name,
      async ({ step, instead }) => {
        const { generation } = await ended('good', { step, on: 'sandbox', times: 1, instead });
        expect(generation).toMatchObject({ status: 'signed', attempt: 1 });
      },
    );
  });
});
