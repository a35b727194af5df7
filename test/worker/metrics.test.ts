/** What is measured of generations: real ones for the steps, and rows with known numbers for the arithmetic. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { OPEN_METRICS_TYPE } from '../../src/api/metrics-text.ts';
import type { Metrics } from '../../src/schema/metrics.ts';
import { openStore } from '../../src/store/store.ts';
import { call, run } from './client.ts';
import { generationRow } from './rows.ts';

const metrics = async (query = '', options = {}) =>
  (await call<Metrics>(`/v1/metrics${query}`, options)).body;
const second = () => ({ token: inject('tokens').second });

describe('of generations that ran', () => {
  beforeAll(async () => {
    await run('silent, good');
    await run('refusal');
  });

  test('ends, attempts, cost, sandbox time and steps are there', async () => {
    const answer = await metrics();
    expect(answer.generations).toMatchObject({ ended: 2, signed: 1, truncated: false });
    expect(answer.ends).toEqual([
      { status: 'failed', code: 'MODEL_REFUSED', count: 1 },
      { status: 'signed', code: 'SIGNED', count: 1 },
    ]);
    expect(answer.attemptsToPass).toEqual([{ attempts: 2, count: 1 }]);
    expect(answer.inconclusive).toEqual({
      rate: 0,
      errored: 0,
      attempts: { accepted: 1, rejected: 2, inconclusive: 0 },
    });
    expect(answer.sandbox.totalSeconds).toBeGreaterThan(0);
    expect(answer.sandbox.perSignedRuleSeconds).toBe(answer.sandbox.totalSeconds);
    expect(answer.cost.totalUsd).toBeGreaterThan(answer.cost.ofSignedUsd?.p50 ?? 0);
    expect(answer.queueMs).toMatchObject({ count: 2 });
    expect(Object.fromEntries(answer.steps.map((one) => [one.step, one.count]))).toEqual({
      accept: 2,
      classify: 2,
      prepare: 2,
      generate: 3,
      inspect: 3,
      verify: 2,
      judge: 2,
      sign: 1,
      log: 1,
      publish: 1,
      end: 1,
    });
  });

  test('sandbox time of an attempt that our side did not finish counts, and the generation as inconclusive', async () => {
    const before = await metrics();
    const store = openStore(env.DB, env.BUCKET);
    const id = `gen-${crypto.randomUUID()}`;
    const at = new Date().toISOString();
    await store.generations.insert(generationRow(id, { request_sha256: 'x', model: 'm', created_at: at }));
    const key = { generationId: id, orgId: 'first', n: 1 };
    await store.change(store.attempts.starting(key, at));
    const verified = (of: string, attempt: number, sandboxMs: number) =>
      store.change(
        store.events.appending(key, { key: of, type: 'verified', data: { attempt, sandboxMs } }, at),
      );
    await verified('a', 1, 1_000.4);
    await verified('b', 1, 500);
    await verified('c', 2, 7_000);
    await store.generations.end(id, 'errored', { code: 'SANDBOX_UNAVAILABLE', message: 'gone' }, at);
    const after = await metrics();
    expect(after.sandbox.totalSeconds - before.sandbox.totalSeconds).toBeCloseTo(1.5, 6);
    expect(after.inconclusive).toMatchObject({ errored: 1, rate: 1 / 3, attempts: { inconclusive: 1 } });
    await store.deletions.mark('first', id, false, at);
    await env.DB.prepare('DELETE FROM attempts WHERE generation_id = ?1').bind(id).run();
    await env.DB.prepare('DELETE FROM generations WHERE id = ?1').bind(id).run();
  });

  test('the same as text for scrapers, each line of the form OpenMetrics has', async () => {
    const answer = await call('/v1/metrics', { headers: { accept: `${OPEN_METRICS_TYPE}; version=1.0.0` } });
    expect(answer.headers.get('content-type')).toContain(OPEN_METRICS_TYPE);
    const lines = answer.text.split('\n');
    expect(lines.slice(-2)).toEqual(['# EOF', '']);
    const sample = /^assay_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?$/;
    for (const line of lines.slice(0, -2)) {
      expect(line).toMatch(line.startsWith('# ') ? /^# (HELP|TYPE) assay_[a-z_]+ \S/ : sample);
    }
    expect(lines).toContain('assay_generations_ended{status="signed",code="SIGNED"} 1');
    expect(lines).toContain('assay_step_runs{step="verify"} 2');
  });

  test('another organisation has none of it', async () => {
    expect(await metrics('', second())).toMatchObject({
      generations: { ended: 0, signed: 0, measuredSince: null },
      ends: [],
      steps: [],
      queueMs: null,
      sandbox: { totalSeconds: 0, perSignedRuleSeconds: null },
      inconclusive: { rate: null },
    });
  });
});

describe('arithmetic', () => {
  const at = (n: number) => new Date(Date.parse('2020-01-01T00:00:00Z') + n * 1_000).toISOString();

  /** Twenty signed, the nth after n attempts' worth of 10 n ms and n dollars; then one errored, one cancelled. */
  beforeAll(async () => {
    const generation = env.DB.prepare(
      `INSERT INTO generations (id, org_id, status, reason_code, prompt_excerpt, request_sha256, model, cases_total, attempts_max, attempt, created_at, updated_at, ended_at)
       VALUES (?1, 'second', ?2, ?3, '', '', 'm', 2, 5, ?4, ?5, ?5, ?6)`,
    );
    const attempt = env.DB.prepare(
      `INSERT INTO attempts (generation_id, n, org_id, verdict, sandbox_ms, started_at) VALUES (?1, 1, 'second', ?2, ?3, '')`,
    );
    const spend = env.DB.prepare(
      `INSERT INTO spend (generation_id, attempt, call, org_id, model, cost_usd, reserved_at) VALUES (?1, 1, 1, 'second', 'm', ?2, '')`,
    );
    const rows: D1PreparedStatement[] = [];
    for (let n = 1; n <= 20; n += 1) {
      const id = `gen-old-${n}`;
      rows.push(generation.bind(id, 'signed', 'SIGNED', n % 2 === 0 ? 2 : 1, at(0), at(n)));
      rows.push(attempt.bind(id, 'accepted', 10 * n), spend.bind(id, n));
    }
    rows.push(generation.bind('gen-old-e', 'errored', 'SANDBOX_UNAVAILABLE', 1, at(0), at(30)));
    rows.push(attempt.bind('gen-old-e', 'inconclusive', null), spend.bind('gen-old-e', null));
    rows.push(generation.bind('gen-old-c', 'cancelled', 'CANCELLED', 1, at(0), at(31)));
    rows.push(attempt.bind('gen-old-c', 'inconclusive', 5));
    await env.DB.batch(rows);
    const store = openStore(env.DB, env.BUCKET).stepTimes;
    for (let n = 1; n <= 20; n += 1) {
      const verify = { step: 'verify 1.1', startedMs: 0, durationMs: n, stepAttempt: n === 20 ? 3 : 1 };
      await store.keep('second', `gen-old-${n}`, [verify]);
      await store.keep('second', `gen-old-${n}`, [{ ...verify, durationMs: 9_999 }]);
    }
  });

  test('nearest-rank percentiles, shares and sums, of the window alone', async () => {
    const answer = await metrics(`?since=${at(0)}&until=${at(100)}`, second());
    expect(answer).toMatchObject({
      generations: { ended: 22, signed: 20, measuredSince: at(1) },
      attemptsToPass: [
        { attempts: 1, count: 10 },
        { attempts: 2, count: 10 },
      ],
      signedAfterMs: { count: 20, p50: 10_000, p95: 19_000, max: 20_000, mean: 10_500 },
      sandbox: { totalSeconds: 2.105, perSignedRuleSeconds: 2.105 / 20 },
      cost: { totalUsd: 210, unpricedCalls: 1, perSignedRuleUsd: null, ofSignedUsd: { p50: 10, p95: 19 } },
      inconclusive: {
        rate: 1 / 21,
        errored: 1,
        attempts: { accepted: 20, rejected: 0, inconclusive: 1 },
      },
      steps: [{ step: 'verify', count: 20, p50Ms: 10, p95Ms: 19, maxMs: 20, retries: 2 }],
    });
    const part = await metrics(`?since=${at(5)}&until=${at(8)}`, second());
    expect(part.generations).toMatchObject({ ended: 3, measuredSince: at(5) });
  });

  test('more than are measured: the newest, and it is said', async () => {
    const measured = await openStore(env.DB, env.BUCKET).metrics.of({
      orgId: 'second',
      since: at(0),
      until: at(100),
      limit: 4,
    });
    expect(measured.ends.map((one) => one.oldest)).toEqual([at(31), at(30), at(19)]);
  });

  test.each([
    ['since after until', `?since=${at(2)}&until=${at(1)}`],
    ['no time', '?since=yesterday'],
    ['an unknown parameter', '?window=7d'],
  ])('refused: %s', async (_name, query) => {
    expect(await call(`/v1/metrics${query}`)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_QUERY' },
    });
  });
});
