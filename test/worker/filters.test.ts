/** What lists are narrowed by, one row for each way to be found, and the indexes behind it. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { firstGenerationIdAt, newId } from '../../src/api/ids.ts';
import type { Generation, GenerationStatus, SignedRule } from '../../src/schema/api.ts';
import { generationsQuery } from '../../src/store/generation-filter.ts';
import { rulesQuery } from '../../src/store/rule-filter.ts';
import { openStore } from '../../src/store/store.ts';
import type { Query } from '../../src/store/where.ts';
import { call, create, run } from './client.ts';

const store = openStore(env.DB, env.BUCKET);
const BATCH = 'batch-00000000000000000000000001';
const day = (n: number) => Date.parse(`2026-03-0${n}T00:00:00.000Z`);
const ids: Record<string, string> = {};

interface Row {
  readonly status?: GenerationStatus;
  readonly day?: number;
  readonly name?: string;
  readonly model?: string;
  readonly batchId?: string;
  readonly retryOf?: string;
  readonly prompt?: string;
}

/** A row without a Workflow instance. */
async function insert(label: string, row: Row): Promise<string> {
  const nowMs = day(row.day ?? 5) + Object.keys(ids).length;
  const id = newId('gen', nowMs);
  const { status = 'failed', prompt = '' } = row;
  await store.generations.insert({
    id,
    org_id: 'first',
    name: row.name ?? null,
    prompt_excerpt: prompt.slice(0, 20),
    search_text: prompt === '' ? null : prompt.toLowerCase(),
    request_sha256: '',
    model: row.model ?? 'test-model',
    cases_total: 2,
    attempts_max: 5,
    created_at: new Date(nowMs).toISOString(),
    batch_id: row.batchId ?? null,
    retry_of: row.retryOf ?? null,
  });
  if (status !== 'queued') await store.generations.start(id, new Date(nowMs).toISOString());
  if (status !== 'queued' && status !== 'running') {
    await env.DB.prepare('UPDATE generations SET status = ?2, ended_at = updated_at WHERE id = ?1')
      .bind(id, status)
      .run();
  }
  ids[label] = id;
  return id;
}

const labels = (found: readonly { id: string }[]) =>
  found.map(({ id }) => Object.keys(ids).find((label) => ids[label] === id) ?? id);

async function list(query: string): Promise<string[]> {
  const { status, body } = await call<{ generations: Generation[] }>(`/v1/generations?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return labels(body.generations);
}

beforeAll(async () => {
  await insert('old', { day: 1, status: 'errored' });
  await insert('middle', { day: 2, status: 'cancelled', name: 'no-eval' });
  await insert('batched', { day: 3, batchId: BATCH, model: 'other-model' });
  const original = await insert('original', { day: 3, prompt: `${'x'.repeat(30)} Löscht ALLE Keys_100%` });
  await insert('retry', { day: 4, retryOf: original, status: 'queued' });
  const rejected = await insert('rejected', { day: 4, status: 'running' });
  const attempt = { generationId: rejected, orgId: 'first', n: 1 };
  const end = { verdict: 'rejected', summary: '', casesPassed: 0, sandboxMs: 0 } as const;
  await store.change(
    store.attempts.starting(attempt, '2026-03-04T00:00:00.000Z'),
    ...store.attempts.ending(attempt, end, [], ''),
  );
  await store.generations.showRetries(await insert('retried', { day: 4, status: 'running' }), 2);
  await insert('fine', { day: 4, status: 'running' });
});

describe('generations', () => {
  test.each<[string, string[]]>([
    ['status=errored', ['old']],
    ['status=errored,cancelled', ['middle', 'old']],
    ['failing=true', ['retried', 'rejected']],
    ['failing=true&status=queued', []],
    ['rule=no-eval', ['middle']],
    ['model=other-model', ['batched']],
    [`batch=${BATCH}`, ['batched']],
    ['createdBefore=2026-03-02T00:00:00Z', ['old']],
    ['createdAfter=2026-03-02T00:00:00Z&createdBefore=2026-03-03T00:00:00Z', ['middle']],
    ['createdAfter=2026-03-02T01:00:00%2B01:00&createdBefore=2026-03-03T00:00:00Z', ['middle']],
    ['createdAfter=2026-03-04T12:00:00Z', []],
    [`text=${encodeURIComponent('löscht alle')}`, ['original']],
    [`text=${encodeURIComponent('_100%')}`, ['original']],
    ['text=100_', []],
    ['text=eval', ['middle']],
    ['status=running&limit=2', ['fine', 'retried']],
  ])('%s', async (query, expected) => {
    expect(await list(query)).toEqual(expected);
  });

  test('by what they are a retry of', async () => {
    expect(await list(`retryOf=${ids.original}`)).toEqual(['retry']);
  });

  test('filters and pages go together', async () => {
    const query = 'status=running,queued&limit=3';
    type Page = { generations: Generation[]; nextCursor: string };
    const first = (await call<Page>(`/v1/generations?${query}`)).body;
    expect(labels(first.generations)).toEqual(['fine', 'retried', 'rejected']);
    expect(await list(`${query}&cursor=${first.nextCursor}`)).toEqual(['retry']);
  });

  test('another organisation finds none of them', async () => {
    const token = inject('tokens').second;
    const { body } = await call<{ generations: unknown[] }>('/v1/generations?failing=true', { token });
    expect(body.generations).toEqual([]);
  });

  test('a step that is tried again is shown while it is, and not after', async () => {
    await env.DB.exec('CREATE TABLE tries (id TEXT, n INTEGER)');
    await env.DB.exec(
      'CREATE TRIGGER note_tries AFTER UPDATE OF step_retries ON generations WHEN new.step_retries <> old.step_retries BEGIN INSERT INTO tries VALUES (new.id, new.step_retries); END',
    );
    const ended = await run('busy');
    expect(ended).toMatchObject({ status: 'signed', stepRetries: 0 });
    const { results } = await env.DB.prepare('SELECT n FROM tries WHERE id = ?1').bind(ended.id).all();
    expect(results).toEqual([{ n: 1 }, { n: 0 }]);
  });

  test('a generation whose first attempt was rejected is failing now, and not when it ended', async () => {
    const { id } = await create('silent, slow');
    const failing = async () => (await list('failing=true&status=running')).includes(id);
    for (let tries = 0; !(await failing()); tries += 1) {
      expect(tries).toBeLessThan(100);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await call(`/v1/generations/${id}/cancel`, { method: 'POST' });
    expect(await list('failing=true')).not.toContain(id);
  });
});

describe('rules', () => {
  test('by name, key, model, engine version and time; the sign step fills them in', async () => {
    const { ruleId } = await run('good');
    type Page = { rules: SignedRule[] };
    const { body } = await call<Page>('/v1/rules');
    const [rule] = body.rules;
    expect(rule).toMatchObject({ id: ruleId, model: 'test-model', engineVersion: '0.51.1' });
    const find = async (query: string) =>
      (await call<Page>(`/v1/rules?${query}`)).body.rules.map((one) => one.id);
    const at = encodeURIComponent(rule?.publishedAt ?? '');
    for (const query of [
      'name=no-eval',
      `key=${encodeURIComponent(rule?.keyId ?? '')}`,
      'model=test-model',
      'engineVersion=0.51.1',
      `signedAfter=${at}`,
      'signedBefore=2999-01-01T00:00:00Z',
    ]) {
      expect(await find(query), query).toContain(ruleId);
    }
    for (const query of ['name=other', 'key=x', 'model=x', 'engineVersion=0', `signedBefore=${at}`]) {
      expect(await find(query), query).not.toContain(ruleId);
    }
  });
});

test.each([
  'status=',
  'status=dead',
  'status=failed,dead',
  'failing=yes',
  'createdAfter=yesterday',
  'createdAfter=2026-01-01',
  'text=',
  'rule=',
  `text=${'x'.repeat(201)}`,
])('generations?%s is refused', async (query) => {
  expect(await call(`/v1/generations?${query}`)).toMatchObject({
    status: 400,
    body: { code: 'INVALID_QUERY' },
  });
});

test.each(['rule=%00', 'text=%00', 'text=%25%27%22--', 'batch=%ff', "model=' OR 1=1 --"])(
  'generations?%s finds nothing',
  async (query) => {
    expect(await list(query)).toEqual([]);
  },
);

test('an id of any bytes is unknown', async () => {
  for (const id of ['%00', '%ff', '%E2%80%AE', "'--", 'x'.repeat(5_000), '..%2f', '%']) {
    expect((await call(`/v1/generations/${id}`)).status, id).toBe(404);
    expect((await call(`/v1/tokens/${id}`, { method: 'DELETE' })).status, id).toBe(404);
  }
});

describe('no filter reads a whole table', () => {
  const plan = async ({ sql, values }: Query) => {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...values)
      .all<{ detail: string }>();
    return results.map((one) => one.detail).filter((detail) => /generations|rules/.test(detail));
  };
  const page = { limit: 50 };

  test.each([
    ['nothing', {}],
    ['status', { statuses: ['failed'] as const }],
    ['failing', { failing: true }],
    ['name', { name: 'x' }],
    ['model', { model: 'x' }],
    ['batch', { batchId: 'x' }],
    ['retryOf', { retryOf: 'x' }],
    ['time', { fromId: firstGenerationIdAt(0), toId: firstGenerationIdAt(1) }],
  ])('generations by %s', async (_name, filter) => {
    for (const detail of await plan(generationsQuery('first', { ...filter, ...page }))) {
      expect(detail).toMatch(/^SEARCH generations USING INDEX/);
    }
  });

  test.each([
    ['name', { name: 'x' }],
    ['key', { keyId: 'x' }],
    ['model', { model: 'x' }],
    ['engine version', { engineVersion: 'x' }],
    ['time', { signedFrom: '2026', signedBefore: '2027' }],
  ])('rules by %s', async (_name, filter) => {
    for (const detail of await plan(rulesQuery('first', { ...filter, ...page }))) {
      expect(detail).toMatch(/^SEARCH rules USING INDEX/);
    }
  });
});
