/** Health says what is wrong: each part is broken on purpose, and named with the next move. */
import { env } from 'cloudflare:workers';
import { describe, expect, inject, test } from 'vitest';
import { app } from '../../src/api/app.ts';
import { type Bindings, type Config, loadConfig } from '../../src/env.ts';
import { checkHealth } from '../../src/health/check.ts';
import type { Health } from '../../src/schema/health.ts';
import { call, create, run } from './client.ts';

const NOW = new Date();

async function config(): Promise<Config> {
  return loadConfig(env as Bindings);
}
async function part(name: string, over: Partial<Config> = {}, now = NOW): Promise<Health['parts'][number]> {
  const health = await checkHealth({ ...(await config()), ...over }, 'first', now);
  const found = health.parts.find((one) => one.part === name);
  if (found === undefined) throw new Error(`no part ${name}`);
  // One part that is down is enough.
  if (found.state === 'down') expect(health.state).toBe('down');
  return found;
}

test('a service that works: every part is ok, for an admin alone', async () => {
  const answer = await call<Health>('/v1/health');
  expect(answer.status).toBe(200);
  expect(answer.body.state).toBe('ok');
  expect(answer.body.parts.map((one) => `${one.part} ${one.state} ${one.next}`)).toEqual([
    'database ok null',
    'objects ok null',
    'workflow ok null',
    'sandbox:host ok null',
    'log ok null',
    'model ok null',
    'trust ok null',
    'generations ok null',
  ]);
  const { token } = (
    await call<{ token: string }>('/v1/tokens', { method: 'POST', body: { name: 'r', scopes: ['read'] } })
  ).body;
  expect(await call('/v1/health', { token })).toMatchObject({ status: 403 });
  expect(await call('/v1/health', { token: null })).toMatchObject({ status: 401 });
  const text = JSON.stringify(answer.body);
  for (const secret of [inject('tokens').first, inject('bindings').SANDBOX_HOST_TOKEN]) {
    expect(text).not.toContain(secret);
  }
});

describe('what is wrong is named', () => {
  const sandboxes = async (over: Record<string, string>): Promise<Partial<Config>> => {
    const { sandboxes: given } = await config();
    if (given.host === null) throw new Error('no host');
    return { sandboxes: { ...given, host: { ...given.host, ...over } } };
  };

  test('a sandbox that is not there, and one of another build', async () => {
    expect(await part('sandbox:host', await sandboxes({ url: 'http://127.0.0.1:1' }))).toMatchObject({
      state: 'down',
      next: expect.stringContaining('SANDBOX_HOST_URL'),
    });
    expect(await part('sandbox:host', await sandboxes({ buildId: 'another-build' }))).toMatchObject({
      state: 'down',
      message: expect.stringContaining('expected another-build'),
    });
    expect(await part('sandbox:host', await sandboxes({ token: 'not-the-token-at-all' }))).toMatchObject({
      state: 'down',
      message: expect.stringContaining('401'),
    });
  });

  test('a database that lacks a migration, or fails', async () => {
    const { db } = await config();
    const last = await env.DB.prepare('SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1').first<{
      name: string;
    }>();
    await env.DB.prepare('DELETE FROM d1_migrations WHERE name = ?1').bind(last?.name).run();
    expect(await part('database')).toMatchObject({
      state: 'down',
      message: expect.stringContaining(`lacks migration ${last?.name}`),
      next: expect.stringContaining('migrations apply'),
    });
    await env.DB.prepare('INSERT INTO d1_migrations (name) VALUES (?1)').bind(last?.name).run();
    const prepare = () => {
      throw new Error('D1_ERROR: secret detail');
    };
    const broken = new Proxy(db, {
      get: (_db, name) => (name === 'prepare' ? prepare : Reflect.get(db, name)),
    });
    const found = await part('database', { db: broken });
    expect(found).toMatchObject({ state: 'down', next: expect.stringContaining('DB') });
    expect(found.message).not.toContain('secret detail');
  });

  test('a database that is not there at all: who is configured still gets the answer', async () => {
    const fails = () => {
      throw new Error('D1_ERROR: gone');
    };
    const DB = { prepare: fails, batch: fails } as unknown as D1Database;
    const ask = (token: string) =>
      app.fetch(
        new Request('http://assay.test/v1/health', { headers: { authorization: `Bearer ${token}` } }),
        { ...(env as Bindings), DB },
      );
    const answer = await ask(inject('tokens').first);
    expect(answer.status).toBe(503);
    const { parts } = (await answer.json()) as Health;
    const down = parts.filter((one) => one.state === 'down').map((one) => one.part);
    expect(down).toEqual(['database', 'model', 'generations']);
    expect((await ask('nobody-knows-this-one')).status).toBe(500);
  });

  test('a workflow and a bucket that fail', async () => {
    const fails = () => Promise.reject(new Error('no'));
    const workflow = { get: fails } as unknown as Config['workflow'];
    expect(await part('workflow', { workflow })).toMatchObject({ state: 'down' });
    const bucket = { list: fails } as unknown as Config['bucket'];
    expect(await part('objects', { bucket })).toMatchObject({ state: 'down' });
  });

  test('a log whose checkpoint is older than what its writer has on record', async () => {
    await run('good');
    const { bucket } = await config();
    const fresh = await part('log');
    expect(fresh).toMatchObject({ state: 'ok', message: expect.stringMatching(/[1-9]\d* entries/) });
    const emptied = new Proxy(bucket, {
      get: (_bucket, name) => (name === 'get' ? async () => null : Reflect.get(bucket, name)),
    });
    expect(await part('log', { bucket: emptied })).toMatchObject({
      state: 'degraded',
      next: expect.stringContaining('Restore'),
    });
  });

  test('a key that no consumer would believe', async () => {
    expect(await part('trust', { trustRootSha256: '0'.repeat(64) })).toMatchObject({
      state: 'down',
      message: expect.stringContaining('TRUST_ROOT_SHA256'),
      next: expect.stringContaining('assay keys publish'),
    });
  });

  test('a model that refused the last generation, and one that answered again', async () => {
    const { id } = await run('badkey');
    expect(await part('model')).toMatchObject({
      state: 'degraded',
      message: expect.stringContaining(`MODEL_UNAUTHORIZED (${id}`),
    });
    await run('good');
    expect(await part('model')).toMatchObject({ state: 'ok' });
  });

  test('a generation that does not move', async () => {
    const { id } = await create('slow');
    await env.DB.prepare("UPDATE generations SET status = 'running' WHERE id = ?1").bind(id).run();
    const later = (minutes: number) => new Date(Date.now() + minutes * 60_000);
    expect(await part('generations', {}, later(5))).toMatchObject({ state: 'ok' });
    expect(await part('generations', {}, later(20))).toMatchObject({
      state: 'degraded',
      message: expect.stringContaining(id),
    });
    expect(await part('generations', {}, later(61))).toMatchObject({ state: 'down' });
    await call(`/v1/generations/${id}/cancel`, { method: 'POST' });
  });
});
