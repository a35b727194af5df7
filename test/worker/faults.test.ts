/**
 * Every service the pipeline needs fails, once or for good, at every step: a generation ends signed all the same, or
 * with a code and a sentence; never twice, never without its evidence, never without its ledger rows. The platform's
 * retries are real and come without their delays.
 */
import { createExecutionContext, introspectWorkflow, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startInstance } from '../../src/api/start-generation.ts';
import { type Bindings, loadConfig } from '../../src/env.ts';
import { isRetryable } from '../../src/errors.ts';
import service from '../../src/index.ts';
import { sha256Hex } from '../../src/rules/digest.ts';
import type { GenerationDetail, GenerationEvent } from '../../src/schema/api.ts';
import { keys } from '../../src/store/objects.ts';
import { deliveryIdOf } from '../../src/store/outbox.ts';
import { openStore } from '../../src/store/store.ts';
import { policies } from '../../src/workflows/policies.ts';
import { wakeDeliveries } from '../../src/workflows/wake-deliveries.ts';
import { wakeStalled } from '../../src/workflows/wake-stalled.ts';
import { type BadService, MODEL, SANDBOX } from '../support/bad-services.ts';
import { tappedBindings, type When } from '../support/effects.ts';
import { type Fault, failuresOf, installFaults, startFailing } from '../support/faults.ts';
import { request } from '../support/rule.ts';
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
let workflows: Awaited<ReturnType<typeof introspectWorkflow>>[];
beforeAll(async () => {
  undo = installFaults();
  workflows = await Promise.all([env.GENERATE_RULE, env.DELIVER_WEBHOOK].map(introspectWorkflow));
  for (const one of workflows) await one.modifyAll(async (modifier) => modifier.disableRetryDelays());
});
afterAll(async () => {
  undo();
  for (const one of workflows) await one.dispose();
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
async function forEach<T>(
  rows: readonly T[],
  name: (row: T) => string,
  run: (row: T) => Promise<void>,
  atOnce = AT_ONCE,
) {
  const left = [...rows];
  const problems: string[] = [];
  const worker = async () => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      const current = row;
      await run(row).catch((error: unknown) => problems.push(`${name(current)}: ${String(error)}`));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  expect(problems).toEqual([]);
}

/** Every row with ASSAY_FAULTS_ALL=1; else enough to meet each step and each kind. */
function some<T>(rows: readonly T[], isEssential: (row: T) => boolean): readonly T[] {
  return inject('everyFault') ? rows : rows.filter(isEssential);
}

describe('a store that fails', () => {
  const places: Pick<Fault, 'step' | 'on'>[] = [
    ...STEPS.flatMap((step) => [{ step, on: 'd1' } as const, { step, on: 'r2' } as const]),
    { step: 'log', on: 'log' },
  ];
  const rows = places.flatMap((where): Fault[] => [
    { ...where, times: 1 },
    { ...where, times: 1, when: 'after' },
    { ...where, times: ALWAYS },
  ]);
  const name = ({ step, on, times, when = 'before' }: Fault) => `${step}, ${on}, ${times}, ${when}`;

  test('once, at any step: the rule is signed', async () => {
    const once = rows.filter((row) => row.times === 1);
    let happened = 0;
    await forEach(
      some(once, ({ on, when }) => on === 'd1' && when === 'after'),
      name,
      async (fault) => {
        const { generation, failures } = await ended('good', fault);
        happened += failures;
        expect(generation).toMatchObject({ status: 'signed', attempt: 1 });
      },
    );
    expect(happened).toBeGreaterThanOrEqual(STEPS.length - 1);
  });

  test('for good, at any step: errored, and what is said of a signature is so', async () => {
    const always = rows.filter((row) => row.times === ALWAYS);
    await forEach(
      some(always, ({ on }) => on === 'd1'),
      name,
      async (fault) => {
        const { generation, failures } = await ended('good', fault);
        if (failures === 0) expect(generation.status).toBe('signed');
        else {
          expect(generation).toMatchObject({ status: 'errored', ruleId: null });
          // Nobody is shown what a driver says.
          expect(generation.reason?.message).toMatch(/^(something failed on our side|[^:]*)\. Nothing was/);
        }
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
    await startInstance(config, row);
    expect(await untilEnded(id)).toMatchObject({ status: 'signed' });
  });
});

/** Answers that are paid for and are no rule. */
const USELESS: readonly { script: string; status: string; code: string; attempt: number }[] = [
  { script: 'refusal', status: 'failed', code: 'MODEL_REFUSED', attempt: 1 },
  { script: 'declined', status: 'failed', code: 'MODEL_DECLINED', attempt: 1 },
  { script: 'truncated, good', status: 'signed', code: 'SIGNED', attempt: 2 },
  { script: 'prose, good', status: 'signed', code: 'SIGNED', attempt: 2 },
  { script: 'truncated', status: 'failed', code: 'ATTEMPTS_SPENT', attempt: 2 },
  { script: 'prose', status: 'failed', code: 'ATTEMPTS_SPENT', attempt: 2 },
];

const byName = ({ name }: BadService) => name;

describe('a model that fails', () => {
  test('for good: errored with its code, nothing signed, every call in the ledger', async () => {
    const rows = some(MODEL, ({ name }) => /^(?:4|5)29$|401|time-out|reset|garbage/.test(name));
    await forEach(rows, byName, async ({ instead, code }) => {
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

describe('a store that fails while a generation is asked for', () => {
  const effects = ['put request.json', 'INSERT idempotency_keys + INSERT generations', 'create'];
  const rows = effects.flatMap((does) => [
    { does, when: 'before' as When },
    { does, when: 'after' as When },
  ]);

  test('is told where that matters; asked again with the same key there is one, and it is signed', async () => {
    await forEach(
      rows,
      ({ does, when }) => `${when} ${does}`,
      async ({ does, when }) => {
        const key = crypto.randomUUID();
        const prompt = `No eval anywhere [[good]] ${key}`;
        const ask = async (bindings: Bindings) => {
          const context = createExecutionContext();
          const asked = new Request('http://assay.test/v1/generations', {
            method: 'POST',
            headers: {
              authorization: `Bearer ${inject('tokens').first}`,
              'content-type': 'application/json',
              'idempotency-key': key,
            },
            body: JSON.stringify({ ...request, prompt }),
          });
          const answer = await service.fetch(asked, bindings, context);
          // The instance is made after the answer.
          await waitOnExecutionContext(context);
          return answer;
        };
        let failed = false;
        const failing = tappedBindings(env as Bindings, async (effect, at) => {
          if (effect.does !== does || at !== when) return;
          failed = true;
          throw new Error('Network connection lost.');
        });
        const answer = await ask(failing);
        expect(failed).toBe(true);
        // What only the instance lacks, the sweep mends: then nobody has to be told.
        if (does === 'create') expect(answer.status).toBe(202);
        else {
          expect(answer.status).toBeGreaterThanOrEqual(500);
          expect(await answer.json()).toMatchObject({ code: expect.stringMatching(/^[A-Z_]+$/) });
        }
        const { id } = await (await ask(env as Bindings)).json<{ id: string }>();
        // Where the row was made and the instance was not.
        await wakeStalled(env as Bindings, new Date(Date.now() + 3_600_000));
        expect(await untilEnded(id)).toMatchObject({ status: 'signed' });
        const { results } = await env.DB.prepare('SELECT status FROM generations WHERE prompt_excerpt = ?1')
          .bind(prompt)
          .all<{ status: string }>();
        expect(results).toEqual([{ status: 'signed' }]);
      },
      // The sweep of one would be in the way of another.
      1,
    );
  });
});

describe('a store that fails while a webhook is delivered', () => {
  const rows: Fault[] = [
    { step: 'deliver 1', on: 'd1', times: 1 },
    { step: 'deliver 1', on: 'd1', times: 1, when: 'after' },
    { step: 'deliver 1', on: 'd1', times: ALWAYS },
  ];

  test('once or for a whole round: it arrives, with the same bytes whenever it does', async () => {
    await call('/v1/webhooks/secrets', { method: 'POST', body: {} });
    await forEach(
      rows,
      ({ times, when = 'before' }) => `${times}, ${when}`,
      async (fault) => {
        const box = crypto.randomUUID();
        const id = await startFailing('refusal', fault, `${inject('receiver')}/200/${box}`);
        await untilEnded(id);
        const path = `/v1/deliveries/${deliveryIdOf(id)}`;
        const status = async () => (await call<{ status: string }>(path)).body.status;
        for (let tries = 0; tries < 200 && (await status()) !== 'delivered'; tries += 1) {
          // Where the engine gave the round up.
          await wakeDeliveries(env as Bindings, new Date(Date.now() + 3_600_000));
          await new Promise((go) => setTimeout(go, 100));
        }
        expect(await status()).toBe('delivered');
        const got = await (await fetch(`${inject('receiver')}/box/${box}`)).json<{ body: string }[]>();
        expect(new Set(got.map(({ body }) => body)).size).toBe(1);
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
      some(rows, (row) => row.step === 'verify 1.1' && /connection|400|cut|build|wall/.test(row.name)),
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
