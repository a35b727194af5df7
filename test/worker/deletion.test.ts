/** Deleting: what goes, what stays, and that it may be interrupted anywhere and asked for again. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import type { Bindings } from '../../src/env.ts';
import type { Generation, GenerationDetail } from '../../src/schema/api.ts';
import type { Deletion, Organisation } from '../../src/schema/deletion.ts';
import type { Metrics } from '../../src/schema/metrics.ts';
import { LATE_WRITES_MS } from '../../src/store/deletions.ts';
import { keys } from '../../src/store/objects.ts';
import { openStore } from '../../src/store/store.ts';
import { keepHouse } from '../../src/workflows/keep-house.ts';
import { request } from '../support/rule.ts';
import { asks, start, untilDone } from './batch-client.ts';
import { call, create, run, untilEnded } from './client.ts';

const DAY_MS = 86_400_000;
const erase = (id: string, query = '') =>
  call<Deletion>(`/v1/generations/${id}${query}`, { method: 'DELETE' });
const later = (ms: number) => new Date(Date.now() + ms);
const house = (now: Date, over: Partial<Bindings> = {}) => keepHouse({ ...(env as Bindings), ...over }, now);
const code = (path: string, options = {}) => call(path, options).then((answer) => answer.body.code);

async function objectsOf(id: string, org = 'first'): Promise<string[]> {
  const { objects } = await env.BUCKET.list({ prefix: `orgs/${org}/generations/${id}` });
  return objects.map((one) => one.key);
}
/** Every text of every row that names the generation. */
async function rowsOf(id: string): Promise<string> {
  const tables = ['events', 'case_results', 'attempts', 'rules'];
  const rows = await Promise.all(
    tables.map((name) => env.DB.prepare(`SELECT * FROM ${name} WHERE generation_id = ?1`).bind(id).all()),
  );
  const own = await env.DB.prepare('SELECT * FROM generations WHERE id = ?1').bind(id).all();
  return JSON.stringify([...rows, own].map((one) => one.results));
}

describe('a generation', () => {
  test('of a batch of requests: its request is gone from the batch too, and no other', async () => {
    const requests = [asks('refusal'), asks('refusal'), asks('refusal')] as const;
    const marks = [requests[0].prompt, requests[1].prompt, requests[2].prompt] as const;
    const { id: batch } = await start({ mode: 'regenerate', requests });
    await untilDone(batch);
    const list = `/v1/generations?batch=${batch}`;
    const { generations } = (await call<{ generations: Generation[] }>(list)).body;
    expect(generations.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
    const kept = async () => (await env.BUCKET.get(keys.batchRequests('first', batch, 0)))?.text();
    for (const mark of marks) expect(await kept()).toContain(mark);
    const gone = generations.filter(({ prompt }) => !prompt.includes(marks[1]));
    await Promise.all(gone.map(({ id }) => erase(id)));
    const text = await kept();
    expect(text).toContain(marks[1]);
    for (const mark of [marks[0], marks[2]]) expect(text).not.toContain(mark);
  });

  test('without a rule: objects and texts are gone, numbers stay, and it says that it was deleted', async () => {
    const { id } = await run('silent, refusal');
    const before = (await call<Metrics>('/v1/metrics')).body;
    expect((await objectsOf(id)).length).toBeGreaterThan(3);
    const answer = await erase(id);
    expect(answer).toMatchObject({ status: 200, body: { id, doneAt: null } });
    expect(await objectsOf(id)).toEqual([]);
    const rows = await rowsOf(id);
    for (const text of ['eval', 'No eval', 'evaluates', 'model refused']) expect(rows).not.toContain(text);
    for (const path of ['', '/events', '/request', '/attempts/1/report']) {
      expect(await code(`/v1/generations/${id}${path}`)).toBe('GENERATION_DELETED');
    }
    for (const action of ['retry', 'cancel']) {
      expect(await code(`/v1/generations/${id}/${action}`, { method: 'POST' })).toBe('GENERATION_DELETED');
    }
    const listed = await call<{ generations: Generation[] }>('/v1/generations?limit=100');
    expect(listed.body.generations.map((one) => one.id)).not.toContain(id);
    const { since: _s, until: _u, live: _l, ...numbers } = (await call<Metrics>('/v1/metrics')).body;
    expect(before).toMatchObject(numbers);
    // Asked for again, and at the same time, it is the same deletion.
    const again = await Promise.all([erase(id), erase(id)]);
    for (const one of again) expect(one.body.requestedAt).toBe(answer.body.requestedAt);
  });

  test('what a step that was running wrote afterwards goes too, and then it is done', async () => {
    const { id } = await run('refusal');
    await erase(id);
    const store = openStore(env.DB, env.BUCKET);
    await store.objects.putOnce(keys.reply('first', id, 1), 'a late reply');
    const event = { key: 'late', type: 'replied', data: { text: 'a late event' } } as const;
    await store.change(store.events.appending({ orgId: 'first', generationId: id }, event, 'now'));
    await house(later(1_000));
    expect(await objectsOf(id)).toHaveLength(1);
    await house(later(LATE_WRITES_MS + 1_000));
    expect(await objectsOf(id)).toEqual([]);
    expect(await rowsOf(id)).not.toContain('a late event');
    expect((await erase(id)).body.doneAt).not.toBeNull();
    expect(await store.deletions.due(later(DAY_MS), 100)).toEqual([]);
  });

  test('a crash after the mark, or after the objects: cron goes on', async () => {
    const store = openStore(env.DB, env.BUCKET);
    const [marked, emptied] = [await run('refusal'), await run('refusal')];
    const at = new Date().toISOString();
    for (const { id } of [marked, emptied])
      expect(await store.deletions.mark('first', id, false, at)).toBe(true);
    for (const key of await objectsOf(emptied.id)) await env.BUCKET.delete(key);
    expect(await code(`/v1/generations/${marked.id}`)).toBe('GENERATION_DELETED');
    await house(new Date());
    for (const { id } of [marked, emptied]) {
      expect(await objectsOf(id)).toEqual([]);
      expect(await rowsOf(id)).not.toContain('model refused');
    }
  });

  test('with a webhook: URL, body and attempts go too', async () => {
    await call('/v1/webhooks/secrets', { method: 'POST' });
    const { id } = await run('refusal', { callbackUrl: `${inject('receiver')}/500/deleted-secret-path` });
    const texts = async () =>
      JSON.stringify([
        (await env.DB.prepare('SELECT * FROM deliveries').all()).results,
        (await env.DB.prepare('SELECT * FROM delivery_attempts').all()).results,
        await rowsOf(id),
      ]);
    expect(await texts()).toContain('deleted-secret-path');
    await erase(id);
    expect(await texts()).not.toContain('deleted-secret-path');
    expect(await env.DB.prepare('SELECT COUNT(*) AS n FROM deliveries').first()).toEqual({ n: 0 });
    await house(later(LATE_WRITES_MS + 1_000));
    expect(await env.DB.prepare('SELECT COUNT(*) AS n FROM delivery_attempts').first()).toEqual({ n: 0 });
  });

  test('that is signed goes only with its rule; its log entry stays', async () => {
    const { id, ruleId } = await run('good');
    expect(await code(`/v1/generations/${id}`, { method: 'DELETE' })).toBe('HAS_RULE');
    const { bundleSha256 } = (await call<{ bundleSha256: string }>(`/v1/rules/${ruleId}`)).body;
    expect((await erase(id, '?rule=true')).status).toBe(200);
    expect(await code(`/v1/rules/${ruleId}`)).toBe('NOT_FOUND');
    expect(await objectsOf(id)).toEqual([]);
    expect((await call(`/log/proof/${bundleSha256}`, { token: null })).status).toBe(200);
  });

  test('that lives, is not there, or is of somebody else is not deleted', async () => {
    const { id } = await create('slow');
    expect(await code(`/v1/generations/${id}`, { method: 'DELETE' })).toBe('NOT_ENDED');
    await call(`/v1/generations/${id}/cancel`, { method: 'POST' });
    const { second } = inject('tokens');
    expect(await code(`/v1/generations/${id}`, { method: 'DELETE', token: second })).toBe('NOT_FOUND');
    expect(await code('/v1/generations/gen-0', { method: 'DELETE' })).toBe('NOT_FOUND');
    expect(await code(`/v1/generations/${id}?rule=yes`, { method: 'DELETE' })).toBe('INVALID_QUERY');
    expect((await call<GenerationDetail>(`/v1/generations/${id}`)).body.status).toBe('cancelled');
    const { token } = (
      await call<{ token: string }>('/v1/tokens', {
        method: 'POST',
        body: { name: 'g', scopes: ['generate'] },
      })
    ).body;
    expect(await code(`/v1/generations/${id}`, { method: 'DELETE', token })).toBe('FORBIDDEN');
  });

  test('lineage holds over a gap, and a key gives a new generation for a deleted one', async () => {
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const body = { ...request, prompt: `No eval [[good]] ${crypto.randomUUID()}` };
    const post = () => call<Generation>('/v1/generations', { method: 'POST', body, headers });
    const first = await untilEnded((await post()).body.id);
    expect((await post()).body.id).toBe(first.id);
    await erase(first.id, '?rule=true');
    const second = await post();
    expect(second).toMatchObject({ status: 202, body: { retryOf: first.id } });
    expect(second.body.id).not.toBe(first.id);
    await untilEnded(second.body.id);
    expect((await post()).body.id).toBe(second.body.id);
  });
});

describe('by age', () => {
  test('generations without a rule go after RETENTION_DAYS, events of any after EVENT_RETENTION_DAYS', async () => {
    const [failed, signed] = [await run('refusal'), await run('good')];
    const events = async (id: string) =>
      (await call<{ events: unknown[] }>(`/v1/generations/${id}/events`)).body.events.length;
    await house(later(40 * DAY_MS));
    expect(await events(failed.id)).toBeGreaterThan(0);
    await house(later(9 * DAY_MS), { RETENTION_DAYS: '10', EVENT_RETENTION_DAYS: '20' });
    expect(await events(failed.id)).toBeGreaterThan(0);
    await house(later(11 * DAY_MS), { RETENTION_DAYS: '10', EVENT_RETENTION_DAYS: '20' });
    expect(await code(`/v1/generations/${failed.id}`)).toBe('GENERATION_DELETED');
    expect(await objectsOf(failed.id)).toEqual([]);
    expect(await events(signed.id)).toBeGreaterThan(0);
    await house(later(21 * DAY_MS), { RETENTION_DAYS: '10', EVENT_RETENTION_DAYS: '20' });
    expect(await events(signed.id)).toBe(0);
    expect((await call(`/v1/rules/${signed.ruleId}`)).status).toBe(200);
  });
});

describe('an organisation', () => {
  const second = () => ({ token: inject('tokens').second });
  const organisation = async () => (await call<Organisation>('/v1/organisation', second())).body;

  beforeEach(async () => {
    const body = { ...request, prompt: 'No eval [[slow]]' };
    await call('/v1/generations', { method: 'POST', body, ...second() });
  });

  test('loses every object and every row; others lose nothing; what still ran writes nothing that stays', async () => {
    const mine = await run('refusal');
    await call('/v1/tokens', { method: 'POST', body: { name: 'r', scopes: ['read'] }, ...second() });
    const batch = { mode: 'regenerate', requests: [{ ...request, prompt: 'No eval [[slow]]' }, request] };
    expect((await call('/v1/batches', { method: 'POST', body: batch, ...second() })).status).toBe(202);
    const wrong = await call('/v1/organisation?confirm=first', { method: 'DELETE', ...second() });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'INVALID_QUERY' } });
    expect(await organisation()).toEqual({ id: 'second', deletions: [] });
    const asked = () =>
      call<Organisation>('/v1/organisation?confirm=second', { method: 'DELETE', ...second() });
    expect((await asked()).status).toBe(202);
    expect((await asked()).body.deletions).toEqual([{ requestedAt: expect.any(String), doneAt: null }]);
    await house(new Date());
    await house(later(LATE_WRITES_MS - 120_000));
    expect((await organisation()).deletions[0]?.doneAt).toBeNull();
    // A late write, and a row of a table that this code does not know.
    await env.BUCKET.put('orgs/second/generations/gen-x/attempts/1/reply.json', 'late');
    await env.DB.prepare('CREATE TABLE notes (org_id TEXT, text TEXT)').run();
    await env.DB.prepare("INSERT INTO notes VALUES ('second', 'a'), ('first', 'b')").run();
    await env.DB.prepare(
      'CREATE TABLE pairs (org_id TEXT, n INT, PRIMARY KEY (org_id, n)) WITHOUT ROWID',
    ).run();
    await env.DB.prepare("INSERT INTO pairs VALUES ('second', 1), ('second', 2), ('first', 1)").run();
    for (let n = 1; n <= 3; n += 1) await house(later(LATE_WRITES_MS + n * 1_000));
    expect((await organisation()).deletions[0]?.doneAt).not.toBeNull();
    expect((await env.BUCKET.list({ prefix: 'orgs/second/' })).objects).toEqual([]);
    const left = "sql LIKE '%org_id%' AND name <> 'org_deletions'";
    const tables = await env.DB.prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND ${left}`,
    ).all<{
      name: string;
    }>();
    const names = tables.results.map((one) => one.name);
    expect(names).toEqual(expect.arrayContaining(['generations', 'batch_items', 'events', 'notes', 'pairs']));
    for (const name of names) {
      const row = await env.DB.prepare(`SELECT COUNT(*) AS n FROM ${name} WHERE org_id = 'second'`).first();
      expect(row, name).toEqual({ n: 0 });
    }
    expect(await env.DB.prepare('SELECT * FROM pairs').all()).toMatchObject({
      results: [{ org_id: 'first', n: 1 }],
    });
    expect((await call<GenerationDetail>(`/v1/generations/${mine.id}`)).body.status).toBe('failed');
    expect(await env.DB.prepare('SELECT text FROM notes').first()).toEqual({ text: 'b' });
  });
});
