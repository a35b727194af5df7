/** The login of a device: from its first request over the approval page to its token, and every way it fails. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { app } from '../../../src/api/app.ts';
import type { Bindings } from '../../../src/env.ts';
import { openStore } from '../../../src/store/store.ts';
import { call } from '../client.ts';
import { cli, cover, REPOSITORY } from './client.ts';

interface Device {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const begin = async (body: object = { client_id: 'taskless-cli', repository_url: REPOSITORY }) =>
  cli<Device>('/cli/auth/device', body, null);
const poll = (device_code: string, more: object = {}) =>
  cli<{ error?: string; access_token?: string; expires_in?: number }>(
    '/cli/auth/token',
    { grant_type: GRANT, device_code, client_id: 'taskless-cli', ...more },
    null,
  );

/** As a browser sends the page's form. */
function send(fields: Record<string, string>, headers: Record<string, string> = {}) {
  return call<string>('/cli/auth/verify', {
    method: 'POST',
    token: null,
    body: new URLSearchParams(fields).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: 'http://assay.test',
      'sec-fetch-site': 'same-origin',
      ...headers,
    },
  });
}

const approve = (user_code: string, token = inject('tokens').first) =>
  send({ user_code, token, decision: 'approve' });

async function madeToken(body: object): Promise<string> {
  const made = await call<{ token: string }>('/v1/tokens', { method: 'POST', body });
  return made.body.token;
}

const change = (sql: string, ...values: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run();

beforeAll(async () => void (await cover('Acme')));

describe('a login', () => {
  test('is approved on the page, gives one token, and that token works', async () => {
    const { status, body: device } = await begin();
    expect(status).toBe(200);
    expect(device).toMatchObject({
      user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
      verification_uri: 'http://assay.test/cli/auth/verify',
      expires_in: 900,
      interval: 5,
    });
    expect(await poll(device.device_code)).toMatchObject({
      status: 200,
      body: { error: 'authorization_pending' },
    });

    const page = await call<string>(device.verification_uri_complete.slice('http://assay.test'.length), {
      token: null,
    });
    expect(page.text).toContain(`value="${device.user_code}"`);
    expect(page.text).toContain(REPOSITORY);
    // Letter case, dashes and spaces are a person's business.
    const let_in = await approve(device.user_code.toLowerCase().replace('-', ' '));
    expect(let_in.status).toBe(200);

    const { body: token } = await poll(device.device_code);
    expect(token).toEqual({
      access_token: expect.stringMatching(/^assay_/),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
    });
    expect(token.expires_in).toBeGreaterThan(604_800 - 60);
    const who = await cli('/cli/api/whoami', undefined, token.access_token);
    expect(who.body).toMatchObject({
      user: 'Taskless CLI (Acme/widgets), by configuration',
      orgs: [{ url: 'https://github.com/acme' }],
    });
    expect((await call('/v1/tokens', { token: token.access_token ?? '' })).status).toBe(403);
    expect((await poll(device.device_code)).body).toEqual({ error: 'invalid_grant' });
  });

  test('polled twice at once when it is approved gives one token', async () => {
    const { body: device } = await begin();
    await approve(device.user_code);
    const answers = await Promise.all([poll(device.device_code), poll(device.device_code)]);
    expect(answers.map(({ body }) => body.error ?? 'token').sort()).toEqual(['invalid_grant', 'token']);
  });

  test('keeps neither secret nor token', async () => {
    const { body: device } = await begin();
    await approve(device.user_code);
    const { body } = await poll(device.device_code);
    const rows = await env.DB.prepare('SELECT * FROM device_logins, tokens').all();
    expect(JSON.stringify(rows.results)).not.toContain(device.device_code);
    expect(JSON.stringify(rows.results)).not.toContain(body.access_token);
  });

  test('refused on the page is refused for good', async () => {
    const { body: device } = await begin();
    const token = inject('tokens').first;
    expect((await send({ user_code: device.user_code, token, decision: 'deny' })).status).toBe(200);
    expect((await poll(device.device_code)).body).toEqual({ error: 'access_denied' });
    expect((await approve(device.user_code)).status).toBe(404);
  });

  test('ends after a quarter of an hour, approved or not', async () => {
    const { body: device } = await begin();
    await approve(device.user_code);
    const past = new Date(Date.now() - 1).toISOString();
    await change(
      'UPDATE device_logins SET expires_at = ?1 WHERE user_code = ?2',
      past,
      device.user_code.replace('-', ''),
    );
    expect((await poll(device.device_code)).body).toEqual({ error: 'expired_token' });
    expect((await approve(device.user_code)).status).toBe(404);
  });

  test('is told to slow down when it asks too often, more each time', async () => {
    const { body: device } = await begin();
    const code = device.user_code.replace('-', '');
    await poll(device.device_code);
    expect((await poll(device.device_code)).body).toEqual({ error: 'slow_down' });
    const { devices } = openStore(env.DB, env.BUCKET);
    expect((await devices.waiting(code, new Date().toISOString()))?.interval_s).toBe(10);
    await change(
      'UPDATE device_logins SET polled_at = ?1 WHERE user_code = ?2',
      new Date(Date.now() - 10_000).toISOString(),
      code,
    );
    expect((await poll(device.device_code)).body).toEqual({ error: 'authorization_pending' });
  });

  test('is forgotten an hour after its end', async () => {
    const { body: device } = await begin();
    const code = device.user_code.replace('-', '');
    const { devices } = openStore(env.DB, env.BUCKET);
    await devices.purge(new Date(Date.now() + 3_600_000));
    expect(await devices.waiting(code, new Date().toISOString())).not.toBeNull();
    await devices.purge(new Date(Date.now() + 2 * 86_400_000));
    expect(await devices.waiting(code, new Date().toISOString())).toBeNull();
  });
});

describe('the token endpoint answers 200 whatever is sent', () => {
  test.each<[string, () => Promise<{ status: number; body: unknown }>, string]>([
    ['an unknown code', () => poll('nobody'), 'invalid_grant'],
    ['another grant', () => poll('x', { grant_type: 'password' }), 'unsupported_grant_type'],
    ['another client', () => poll('x', { client_id: 'else' }), 'invalid_client'],
    ['an unknown field', () => poll('x', { scope: 'admin' }), 'invalid_request'],
    ['no JSON', () => cli('/cli/auth/token', '{', null), 'invalid_request'],
    ['too much', () => cli('/cli/auth/token', 'x'.repeat(20_000), null), 'invalid_request'],
  ])('%s', async (_name, ask, error) => expect(await ask()).toMatchObject({ status: 200, body: { error } }));

  test('a spent budget', async () => {
    const AUTH_LIMIT = { limit: () => Promise.resolve({ success: false }) };
    const bindings = { ...env, AUTH_LIMIT } as Bindings;
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: GRANT, device_code: 'x', client_id: 'taskless-cli' }),
    };
    const answer = await app.request('/cli/auth/token', init, bindings);
    expect([answer.status, await answer.json()]).toEqual([200, { error: 'slow_down' }]);
    const device = { ...init, body: JSON.stringify({ client_id: 'taskless-cli' }) };
    expect((await app.request('/cli/auth/device', device, bindings)).status).toBe(429);
  });
});

describe('the page', () => {
  test('loads nothing, is framed by nobody, and sends its form to itself alone', async () => {
    const { headers, text } = await call<string>('/cli/auth/verify', { token: null });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'nonce-[\w-]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    const nonce = /nonce-([\w-]+)/.exec(policy)?.[1] ?? '?';
    expect(text).toContain(`<style nonce="${nonce}">`);
    expect(text).not.toMatch(/<script|onclick|style="|https?:/);
    const again = await call<string>('/cli/auth/verify', { token: null });
    expect(again.headers.get('content-security-policy')).not.toBe(policy);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('location')).toBeNull();
  });

  test('shows what others typed as text', async () => {
    const code = encodeURIComponent('"><script>alert(1)</script>');
    const { text } = await call<string>(`/cli/auth/verify?user_code=${code}`, { token: null });
    expect(text).not.toContain('<script');
    const device = await begin({ client_id: 'taskless-cli', repository_url: 'https://github.com/a/<b>' });
    expect(device.status).toBe(400);
  });

  test('takes no parameter that could send anybody elsewhere', async () => {
    const answer = await call('/cli/auth/verify?redirect_uri=https://else.test', { token: null });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('text/html');
  });

  test.each<[string, Record<string, string>]>([
    ['another origin', { origin: 'https://else.test', 'sec-fetch-site': 'cross-site' }],
    ['another origin in an old browser', { origin: 'https://else.test', 'sec-fetch-site': 'same-origin' }],
    ['a hidden origin', { origin: 'null' }],
    ['a sibling site', { 'sec-fetch-site': 'same-site' }],
  ])('a form from %s lets nobody in', async (_name, headers) => {
    const { body: device } = await begin();
    const fields = { user_code: device.user_code, token: inject('tokens').first, decision: 'approve' };
    expect((await send(fields, headers)).status).toBe(403);
    expect((await poll(device.device_code)).body).toEqual({ error: 'authorization_pending' });
  });

  test.each<[string, Record<string, string>, number]>([
    ['a wrong token', { token: 'wrong' }, 401],
    ['what is no token', { token: 'a b' }, 401],
    ['a code that nobody has', { user_code: 'BBBB-BBBB' }, 404],
    ['an unknown decision', { decision: 'maybe' }, 400],
    ['an unknown field', { next: 'https://else.test' }, 400],
  ])('%s lets nobody in', async (_name, over, status) => {
    const { body: device } = await begin();
    const fields = { user_code: device.user_code, token: inject('tokens').first, decision: 'approve' };
    expect((await send({ ...fields, ...over })).status).toBe(status);
    expect((await poll(device.device_code)).body).toEqual({ error: 'authorization_pending' });
  });

  test('a field twice, another media type and too much are refused', async () => {
    const { body: device } = await begin();
    const twice = `user_code=${device.user_code}&user_code=x&token=x&decision=approve`;
    const post = (body: string, type = 'application/x-www-form-urlencoded') =>
      call('/cli/auth/verify', { method: 'POST', token: null, body, headers: { 'content-type': type } });
    expect((await post(twice)).status).toBe(400);
    expect((await post('{}', 'application/json')).status).toBe(415);
    expect((await post('x'.repeat(20_000))).status).toBe(413);
  });

  test('a token gives no more than it has: scopes, and time', async () => {
    const { body: device } = await begin();
    const generates = await madeToken({ name: 'g', scopes: ['generate'] });
    expect((await approve(device.user_code, generates)).status).toBe(403);
    const both = await madeToken({ name: 'both', scopes: ['generate', 'read'], expiresInDays: 1 });
    expect((await approve(device.user_code, both)).status).toBe(200);
    const { body } = await poll(device.device_code);
    expect(body.expires_in).toBeLessThanOrEqual(86_400);
    expect(
      (await cli<{ user: string }>('/cli/api/whoami', undefined, body.access_token)).body.user,
    ).toContain('by both');
  });

  test('guesses of codes are counted', async () => {
    const counts = [true, false];
    const AUTH_LIMIT = { limit: () => Promise.resolve({ success: counts.shift() === true }) };
    const guess = () =>
      app.request('/cli/auth/verify?user_code=BBBB-BBBB', {}, { ...env, AUTH_LIMIT } as Bindings);
    expect([(await guess()).status, (await guess()).status]).toEqual([200, 429]);
  });
});
