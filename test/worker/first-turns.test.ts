/**
 * The steps of economy mode against the recorded provider, each run as often as crashes may run it: nothing is
 * asked, paid or shown twice, and whatever gets no answer asks the ordinary way.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { Bindings } from '../../src/env.ts';
import { Fault } from '../../src/errors.ts';
import type { MessageBatches } from '../../src/models/message-batches.ts';
import type { GenerationEvent } from '../../src/schema/api.ts';
import type { RuleRequest } from '../../src/schema/request.ts';
import { collectFirstTurns } from '../../src/steps/batch/collect-first-turns.ts';
import { type FirstTurnDeps, nextPollMs } from '../../src/steps/batch/first-turns.ts';
import { type Polled, pollFirstTurns } from '../../src/steps/batch/poll-first-turns.ts';
import { type Submitted, submitFirstTurns } from '../../src/steps/batch/submit-first-turns.ts';
import { askOne } from '../../src/store/ask.ts';
import type { FirstTurnBatchRow, FirstTurnKey, FirstTurnStore } from '../../src/store/first-turns.ts';
import { keys } from '../../src/store/objects.ts';
import { openBatchDeps } from '../../src/workflows/batch-deps.ts';
import { request } from '../support/rule.ts';
import { untilEnded } from './client.ts';
import { generationRow } from './rows.ts';

interface Fixture {
  readonly key: FirstTurnKey;
  readonly ids: readonly string[];
  readonly deps: FirstTurnDeps;
  /** Batches that were asked to be made, refused and lost ones too. */
  readonly created: () => number;
  /** Moves the clock of the steps. */
  readonly pass: (ms: number) => void;
}

/** One generation for each script (scripted-model.ts), without an instance. */
async function fixture(scripts: readonly string[], over: Partial<RuleRequest> = {}): Promise<Fixture> {
  const real = await openBatchDeps(env as Bindings);
  let created = 0;
  let aheadMs = 0;
  const batches = overriding(real.economy.batches, {
    create: (requests) => {
      created += 1;
      return real.economy.batches.create(requests);
    },
  });
  const deps = {
    ...real,
    economy: { ...real.economy, batches },
    now: () => new Date(Date.now() + aheadMs),
  };
  const key = { orgId: 'first', batchId: `batch-${crypto.randomUUID()}`, n: 1 };
  const ids: string[] = [];
  for (const script of scripts) ids.push(await held(deps, script, over));
  return { key, ids, deps, created: () => created, pass: (ms) => (aheadMs += ms) };
}

async function held(deps: FirstTurnDeps, script: string, over: Partial<RuleRequest>): Promise<string> {
  const id = `gen-${crypto.randomUUID()}`;
  const asked = { ...request, ...over, prompt: `No eval anywhere [[${script}]] ${id}` };
  await deps.store.objects.putOnce(keys.request('first', id), JSON.stringify(asked));
  await deps.store.generations.insert(generationRow(id, { held: 1 }));
  return id;
}

/** The port with some of its methods replaced. */
function overriding(batches: MessageBatches, over: Partial<MessageBatches>): MessageBatches {
  return new Proxy(batches, {
    get: (target, name: keyof MessageBatches) => {
      if (over[name] !== undefined) return over[name];
      return (target[name] as (...args: unknown[]) => unknown).bind(target);
    },
  });
}

/** A store that dies once before it records the provider's id: the crash between making and recording. */
function crashing({ deps }: Fixture): FirstTurnDeps {
  const firstTurns = new Proxy(deps.store.firstTurns, {
    get: (target, name: keyof FirstTurnStore) =>
      name === 'recordProvider'
        ? () => Promise.reject(new Error('the store is gone'))
        : (target[name] as (...args: unknown[]) => unknown).bind(target),
  });
  return { ...deps, store: { ...deps.store, firstTurns } };
}

function submit({ key, ids, deps }: Fixture, using: FirstTurnDeps = deps): Promise<Submitted> {
  return submitFirstTurns(key, { generationIds: ids, unwanted: false }, using);
}

async function poll(one: Fixture, unwanted = false): Promise<Polled> {
  for (let tries = 0; tries < 500; tries += 1) {
    const polled = await pollFirstTurns(one.key, unwanted, one.deps);
    if (polled.state !== 'working') return polled;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the provider batch did not end');
}

async function rowOf({ deps, key }: Fixture): Promise<FirstTurnBatchRow> {
  const row = await deps.store.firstTurns.find(key);
  if (row === null) throw new Error('no row');
  return row;
}

async function eventsOf({ deps }: Fixture, id = ''): Promise<GenerationEvent[]> {
  return deps.store.events.after('first', id, 0, 100);
}

async function ledger(id = ''): Promise<Record<string, unknown>[]> {
  const { results } = await env.DB.prepare(
    'SELECT call, stop_reason, cost_usd, settled_at IS NOT NULL AS settled FROM spend WHERE generation_id = ?1 ORDER BY call',
  )
    .bind(id)
    .all();
  return results;
}

/** Lets the generation go, as its batch does. */
async function letGo(id: string | undefined) {
  if (id === undefined) throw new Error('no generation');
  await env.GENERATE_RULE.create({ id, params: { generationId: id, orgId: 'first' } });
  return untilEnded(id);
}

test('answers of a batch are the first attempts of generations that ask no more', async () => {
  const one = await fixture(['good', 'batchsilent', 'sggood'], { engine: 'runtime' });
  const { key, ids, deps } = one;
  const submitted = await submit(one);
  expect(submitted).toMatchObject({ state: 'submitted', asked: 3, left: 0, rest: 0 });
  expect(await submit(one)).toEqual(submitted);
  expect(one.created()).toBe(1);
  expect(await ledger(ids[0])).toEqual([{ call: 1, stop_reason: null, cost_usd: null, settled: 0 }]);
  expect(await poll(one)).toMatchObject({ state: 'ended' });

  const counts = { answered: 3, unanswered: 0, unknown: 0 };
  expect(await collectFirstTurns(key, deps)).toEqual(counts);
  const before = await eventsOf(one, ids[0]);
  expect(await collectFirstTurns(key, deps)).toMatchObject({ answered: 3 });
  expect(await eventsOf(one, ids[0])).toEqual(before);
  expect(await rowOf(one)).toMatchObject({ outcome: 'collected', answered: 3 });

  const [generation, second] = await Promise.all([letGo(ids[0]), letGo(ids[1])]);
  expect(generation).toMatchObject({ status: 'signed', attempt: 1, spend: { calls: 1, unanswered: 0 } });
  expect(generation.attempts).toHaveLength(1);
  const events = await eventsOf(one, ids[0]);
  const called = events.filter((event) => event.type === 'model_called');
  expect(called.map(({ data }) => data)).toEqual([{ attempt: 1, model: 'test-model', batch: true }]);
  expect(events.filter((event) => event.type === 'replied')).toHaveLength(1);

  expect(second).toMatchObject({ status: 'signed', attempt: 2, spend: { calls: 2, unanswered: 0 } });
});

test('a call in a batch costs half of one alone', async () => {
  const one = await fixture(['good']);
  await submit(one);
  await poll(one);
  await collectFirstTurns(one.key, one.deps);
  const [id = ''] = one.ids;
  const text = await one.deps.store.objects.get(keys.reply('first', id, 1));
  const { usage, costUsd, ...reply } = JSON.parse(text ?? '');
  expect(reply).toMatchObject({
    call: 1,
    stopReason: 'end_turn',
    providerBatchId: expect.stringMatching(/^msgbatch_/),
  });
  const full =
    usage.inputTokens + usage.outputTokens * 5 + usage.cacheWriteTokens * 1.25 + usage.cacheReadTokens * 0.1;
  expect(costUsd).toBeCloseTo(full / 2 / 1e6, 12);
  expect(await ledger(id)).toEqual([{ call: 1, stop_reason: 'end_turn', cost_usd: costUsd, settled: 1 }]);
});

test('what errored or expired costs nothing and asks alone', async () => {
  const one = await fixture(['batcherror', 'batchexpired', 'good']);
  await submit(one);
  await poll(one);
  expect(await collectFirstTurns(one.key, one.deps)).toEqual({ answered: 1, unanswered: 2, unknown: 0 });
  for (const [index, stopReason] of ['batch_errored', 'batch_expired'].entries()) {
    const settled = { call: 1, stop_reason: stopReason, cost_usd: 0, settled: 1 };
    expect(await ledger(one.ids[index])).toEqual([settled]);
  }
  const ended = await Promise.all(one.ids.slice(0, 2).map((id) => letGo(id)));
  for (const { id, ...generation } of ended) {
    expect(generation).toMatchObject({ status: 'signed', attempt: 1, spend: { calls: 1, unanswered: 0 } });
    expect(await ledger(id)).toHaveLength(2);
    const called = (await eventsOf(one, id)).filter((event) => event.type === 'model_called');
    expect(called.map(({ data }) => data.batch)).toEqual([true, undefined]);
  }
});

test('what needs a model to choose its engine is left, and so is what has ended or cannot be read', async () => {
  const one = await fixture(['good', 'good'], { engine: 'auto' });
  const named = await held(one.deps, 'sggood', { engine: 'sg' });
  const [open = '', ended = ''] = one.ids;
  const reason = { code: 'CANCELLED', message: '' };
  await one.deps.store.generations.end(ended, 'cancelled', reason, new Date().toISOString());
  const damaged = await held(one.deps, 'good', { cases: [] });
  const submitted = await submit({ ...one, ids: [open, ended, named, damaged] });
  expect(submitted).toMatchObject({ asked: 1, left: 3 });
  await poll(one);
  await collectFirstTurns(one.key, one.deps);
  expect(await letGo(named)).toMatchObject({ status: 'signed', engine: 'sg', spend: { calls: 1 } });
});

test('what has no room in a provider batch is for the next one', async () => {
  const one = await fixture(['good', 'good', 'good']);
  const bytes = JSON.stringify(one.deps.economy.batches.bodyOf('m', [], 'runtime')).length;
  const deps = { ...one.deps, economy: { ...one.deps.economy, maxBytes: 2.5 * bytes } };
  expect(await submit(one, deps)).toMatchObject({ state: 'submitted', asked: 2, left: 0, rest: 1 });
  const next = { ...one, key: { ...one.key, n: 2 }, ids: one.ids.slice(2) };
  expect(await submit(next, deps)).toMatchObject({ state: 'submitted', asked: 1, rest: 0 });
  const third = await fixture(['good']);
  const tooSmall = { ...third.deps, economy: { ...third.deps.economy, maxBytes: bytes / 2 } };
  expect(await submit(third, tooSmall)).toMatchObject({ state: 'closed', left: 1 });
});

test('with nothing to ask, nobody is asked', async () => {
  const one = await fixture(['good'], { engine: 'auto' });
  expect(await submit(one)).toMatchObject({ state: 'closed', asked: 0 });
  expect(one.created()).toBe(0);
});

test('a generation that was cancelled meanwhile has its answer in the ledger and nothing to show', async () => {
  const one = await fixture(['good']);
  const [id = ''] = one.ids;
  await submit(one);
  const reason = { code: 'CANCELLED', message: '' };
  await one.deps.store.generations.end(id, 'cancelled', reason, new Date().toISOString());
  await poll(one);
  expect(await collectFirstTurns(one.key, one.deps)).toMatchObject({ answered: 1 });
  expect(await ledger(id)).toMatchObject([{ stop_reason: 'end_turn', settled: 1 }]);
  expect((await eventsOf(one, id)).map(({ type }) => type)).toEqual(['model_called', 'ended']);
  expect(await askOne(one.deps.store.attempts.listOf('first', id))).toEqual([]);
});

test('a generation that was deleted meanwhile gets nothing stored, and what was asked is kept nowhere else', async () => {
  const one = await fixture(['good', 'good']);
  const [gone = '', stays = ''] = one.ids;
  await submit(one);
  const asked = keys.firstTurns('first', one.key.batchId, 1);
  expect(await env.BUCKET.head(asked)).not.toBeNull();
  const at = new Date().toISOString();
  await one.deps.store.generations.end(gone, 'cancelled', { code: 'CANCELLED', message: '' }, at);
  await one.deps.store.deletions.mark('first', gone, false, at);
  await poll(one);
  expect(await collectFirstTurns(one.key, one.deps)).toMatchObject({ answered: 2 });
  expect(await env.BUCKET.head(keys.reply('first', gone, 1))).toBeNull();
  expect(await env.BUCKET.head(keys.reply('first', stays, 1))).not.toBeNull();
  expect(await ledger(gone)).toMatchObject([{ stop_reason: 'end_turn', settled: 1 }]);
  expect(await env.BUCKET.head(asked)).toBeNull();
  expect(await submit(one)).toMatchObject({ state: 'closed', asked: 2 });
  expect(one.created()).toBe(1);
});

describe('a batch that was made and not recorded', () => {
  test('is found again, and no second one is made', async () => {
    const one = await fixture(['good', 'good']);
    await expect(submit(one, crashing(one))).rejects.toThrow('the store is gone');
    expect((await rowOf(one)).provider_id).toBeNull();
    // Others make batches of the same size at the same place.
    const other = await fixture(['good', 'good']);
    await expect(submit(other, crashing(other))).rejects.toThrow();

    expect(await submit(one)).toMatchObject({ state: 'submitted' });
    expect(await submit(other)).toMatchObject({ state: 'submitted' });
    expect([one.created(), other.created()]).toEqual([1, 1]);
    expect((await rowOf(one)).provider_id).not.toBe((await rowOf(other)).provider_id);
    for (const each of [one, other]) {
      await poll(each);
      expect(await collectFirstTurns(each.key, each.deps)).toEqual({
        answered: 2,
        unanswered: 0,
        unknown: 0,
      });
    }
  });

  test('because its answer was lost on the way, is found again', async () => {
    const one = await fixture(['batchlost', 'good', 'good']);
    await expect(submit(one)).rejects.toThrow('MODEL_UNAVAILABLE');
    expect(await submit(one)).toMatchObject({ state: 'submitted' });
    expect(one.created()).toBe(1);
  });

  test('cannot be told from others while it is worked on: until then no other is made', async () => {
    const one = await fixture(['batchhang', 'good', 'good', 'good']);
    await expect(submit(one, crashing(one))).rejects.toThrow('the store is gone');
    for (let n = 0; n < 2; n += 1) expect(await submit(one)).toMatchObject({ state: 'unsure' });
    // Its end, which here a person brings about.
    const [made] = await one.deps.economy.batches.madeSince(0);
    await one.deps.economy.batches.cancel(made?.id ?? '');
    await expect.poll(async () => (await submit(one)).state).toBe('submitted');
    expect(one.created()).toBe(1);
    expect((await rowOf(one)).provider_id).toBe(made?.id);
  });

  test('is waited for as long as for any other, and then its calls stay unanswered', async () => {
    const one = await fixture(['batchhang', 'good', 'good', 'good', 'good']);
    await expect(submit(one, crashing(one))).rejects.toThrow('the store is gone');
    one.pass(one.deps.economy.waitMs);
    expect(await submit(one)).toMatchObject({ state: 'closed' });
    expect(await rowOf(one)).toMatchObject({ outcome: 'abandoned', provider_id: null });
    expect(await ledger(one.ids[1])).toMatchObject([{ settled: 0 }]);
    expect(await letGo(one.ids[1])).toMatchObject({ status: 'signed', spend: { calls: 1, unanswered: 1 } });
  });

  test('by a run that was thought dead is ended when another run was first', async () => {
    const one = await fixture(['batchhang', 'good']);
    const cancelled: string[] = [];
    const { batches } = one.deps.economy;
    const slow = overriding(batches, {
      create: async (requests) => {
        const batch = await batches.create(requests);
        await one.deps.store.firstTurns.recordProvider(one.key, 'msgbatch_first', new Date().toISOString());
        return batch;
      },
      cancel: async (id) => {
        cancelled.push(id);
        await batches.cancel(id);
      },
    });
    await submit(one, {
      ...one.deps,
      economy: { ...one.deps.economy, batches: slow },
    });
    expect(cancelled).toEqual([expect.stringMatching(/^msgbatch_recorded/)]);
    expect((await rowOf(one)).provider_id).toBe('msgbatch_first');
  });
});

test('a batch whose making is refused costs nothing, and all of it asks alone', async () => {
  const one = await fixture(['good']);
  const refused = new Fault('MODEL_BAD_REQUEST', 'the endpoint answered 404: no batches here');
  const batches = overriding(one.deps.economy.batches, { create: () => Promise.reject(refused) });
  const deps = { ...one.deps, economy: { ...one.deps.economy, batches } };
  expect(await submit(one, deps)).toMatchObject({ state: 'closed', asked: 1 });
  expect(await rowOf(one)).toMatchObject({
    outcome: 'refused',
    outcome_reason: expect.stringContaining('no batches here'),
  });
  expect(await ledger(one.ids[0])).toEqual([
    { call: 1, stop_reason: 'batch_refused', cost_usd: 0, settled: 1 },
  ]);
  expect(await letGo(one.ids[0])).toMatchObject({ status: 'signed' });
});

test('what nobody wants any more is not made, and a batch that cannot be asked about is given up', async () => {
  const one = await fixture(['good']);
  const gone = new Error('the store is gone');
  const unreachable = new Fault('MODEL_UNAVAILABLE', 'cannot reach the model');
  const failing = (methods: Partial<MessageBatches>): FirstTurnDeps => ({
    ...one.deps,
    economy: { ...one.deps.economy, batches: overriding(one.deps.economy.batches, methods) },
  });
  const dead = failing({ create: () => Promise.reject(gone) });
  await expect(submit(one, dead)).rejects.toThrow('the store is gone');
  const input = { generationIds: [], unwanted: true };
  expect(await submitFirstTurns(one.key, input, one.deps)).toMatchObject({ state: 'closed', asked: 1 });
  expect(await rowOf(one)).toMatchObject({ outcome: 'refused', provider_id: null });

  const other = await fixture(['good']);
  await submit(other);
  const silent: FirstTurnDeps = {
    ...other.deps,
    economy: failing({ find: () => Promise.reject(unreachable) }).economy,
  };
  const look = () => pollFirstTurns(other.key, false, silent);
  await expect(look()).rejects.toThrow('MODEL_UNAVAILABLE');
  other.pass(other.deps.economy.waitMs / 2);
  await expect(look()).rejects.toThrow('MODEL_UNAVAILABLE');
  other.pass(other.deps.economy.waitMs / 2);
  expect(await look()).toEqual({ state: 'closed' });
  expect(await rowOf(other)).toMatchObject({
    outcome: 'abandoned',
    outcome_reason: expect.stringContaining('cannot reach the model'),
  });
});

describe('a batch that takes too long', () => {
  test('is cancelled; what it has answered counts, the rest asks alone', async () => {
    const one = await fixture(['batchhang', 'good']);
    await submit(one);
    expect(await pollFirstTurns(one.key, false, one.deps)).toMatchObject({ state: 'working' });
    one.pass(one.deps.economy.waitMs);
    expect(await poll(one)).toMatchObject({ state: 'ended' });
    expect((await rowOf(one)).cancelled_at).not.toBeNull();
    expect(await collectFirstTurns(one.key, one.deps)).toEqual({ answered: 1, unanswered: 1, unknown: 0 });
    expect(await ledger(one.ids[0])).toMatchObject([{ stop_reason: 'batch_canceled', cost_usd: 0 }]);
  });

  test('is cancelled before its time when nobody wants it any more', async () => {
    const one = await fixture(['batchhang', 'good']);
    await submit(one);
    expect(await poll(one, true)).toMatchObject({ state: 'ended' });
  });

  test('and does not end when told to, or is not known to the provider, is given up', async () => {
    const one = await fixture(['batchhang', 'good']);
    await submit(one);
    const deaf = overriding(one.deps.economy.batches, { cancel: () => Promise.resolve() });
    const deps = { ...one.deps, economy: { ...one.deps.economy, batches: deaf } };
    one.pass(one.deps.economy.waitMs);
    expect(await pollFirstTurns(one.key, false, deps)).toMatchObject({ state: 'working' });
    one.pass(2 * 60 * 60_000);
    expect(await pollFirstTurns(one.key, false, deps)).toMatchObject({ state: 'closed' });
    expect(await rowOf(one)).toMatchObject({ outcome: 'abandoned', answered: 0 });

    const gone = await fixture(['good']);
    await submit(gone);
    await env.DB.prepare("UPDATE first_turn_batches SET provider_id = 'msgbatch_gone' WHERE batch_id = ?1")
      .bind(gone.key.batchId)
      .run();
    expect(await pollFirstTurns(gone.key, false, gone.deps)).toMatchObject({ state: 'closed' });
    expect((await rowOf(gone)).outcome_reason).toContain('msgbatch_gone');
  });
});

test('looks get further apart, up to a quarter of an hour', async () => {
  const one = await fixture(['good']);
  await submit(one);
  const row = await rowOf(one);
  const waits: number[] = [];
  for (const afterMs of [0, 600_000, 3_600_000, 36_000_000]) {
    const now = () => new Date(Date.parse(row.reserved_at) + afterMs);
    waits.push(nextPollMs(row, { now, economy: { ...one.deps.economy, pollMs: 30_000 } }));
  }
  expect(waits).toEqual([30_000, 60_000, 360_000, 900_000]);
});
