/** Tokens that are made, scoped and revoked; and that nobody can tell one bad token from another. */
import { env } from 'cloudflare:workers';
import { describe, expect, inject, test } from 'vitest';
import { callerOf } from '../../src/api/auth.ts';
import type { TokenEntry } from '../../src/env.ts';
import { sha256Hex } from '../../src/rules/digest.ts';
import type { NewToken, Token } from '../../src/schema/tokens.ts';
import { openStore } from '../../src/store/store.ts';
import { request } from '../support/rule.ts';
import { call } from './client.ts';

type Created = Token & { token: string };

async function make(body: Partial<NewToken> = {}): Promise<Created> {
  const wanted = { name: 'ci', scopes: ['read'], ...body };
  const answer = await call<Created>('/v1/tokens', { method: 'POST', body: wanted });
  expect(answer.status).toBe(201);
  return answer.body;
}

const store = () => openStore(env.DB, env.BUCKET);

describe('scopes', () => {
  test('a token may do what its scopes say and is told which one is missing', async () => {
    const { token: reads } = await make({ scopes: ['read'] });
    const { token: makes } = await make({ scopes: ['generate'] });
    expect((await call('/v1/generations', { token: reads })).status).toBe(200);
    const post = await call('/v1/generations', { method: 'POST', body: request, token: reads });
    expect(post).toMatchObject({ status: 403, body: { code: 'FORBIDDEN', details: { scope: 'generate' } } });
    expect(await call('/v1/generations', { token: makes })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', details: { scope: 'read' } },
    });
    expect(await call('/v1/tokens', { token: reads })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', details: { scope: 'admin' } },
    });
  });

  test('an admin token may do everything, for its own organisation', async () => {
    const { token } = await make({ scopes: ['admin'] });
    expect((await call('/v1/tokens', { token })).status).toBe(200);
    expect((await call('/v1/generations', { token })).status).toBe(200);
    const other = await call<{ tokens: Token[] }>('/v1/tokens', { token: inject('tokens').second });
    expect(other.body.tokens).toEqual([]);
  });
});

describe('what is kept', () => {
  test('the token is answered once; only its hash is stored', async () => {
    const created = await make({ name: 'dashboard' });
    expect(created.token).toMatch(/^assay_[A-Za-z0-9_-]{43}$/);
    const { body } = await call<{ tokens: Token[] }>('/v1/tokens');
    const { token, ...shown } = created;
    expect(body.tokens[0]).toEqual(shown);
    const rows = await env.DB.prepare('SELECT * FROM tokens').all();
    expect(JSON.stringify(rows.results)).not.toContain(token);
    expect(JSON.stringify(rows.results)).toContain(await sha256Hex(token));
  });

  test('the last use is kept to the hour', async () => {
    const created = await make();
    await call('/v1/generations', { token: created.token });
    const row = await store().tokens.find('first', created.id);
    expect(row?.last_used_at).toMatch(/T\d\d:00:00\.000Z$/);
  });

  test('lists page by cursor', async () => {
    for (let n = 0; n < 3; n += 1) await make({ name: `n${n}` });
    type Page = { tokens: Token[]; nextCursor: string | null };
    const first = (await call<Page>('/v1/tokens?limit=2')).body;
    const second = (await call<Page>(`/v1/tokens?limit=2&cursor=${first.nextCursor}`)).body;
    expect(first.tokens.map((one) => one.name)).toEqual(['n2', 'n1']);
    expect(second.tokens[0]?.name).toBe('n0');
  });

  test.each([
    ['no name', { scopes: ['read'] }],
    ['no scope', { name: 'x', scopes: [] }],
    ['an unknown scope', { name: 'x', scopes: ['root'] }],
    ['a scope twice', { name: 'x', scopes: ['read', 'read'] }],
    ['an end in the past', { name: 'x', scopes: ['read'], expiresInDays: 0 }],
    ['another organisation', { name: 'x', scopes: ['read'], orgId: 'second' }],
  ])('%s is refused', async (_name, body) => {
    expect(await call('/v1/tokens', { method: 'POST', body })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST' },
    });
  });
});

describe('bad tokens', () => {
  test('missing, wrong, revoked and expired ones get the same answer', async () => {
    const revoked = await make();
    expect((await call('/v1/generations', { token: revoked.token })).status).toBe(200);
    const gone = await call<Token>(`/v1/tokens/${revoked.id}`, { method: 'DELETE' });
    expect(gone.body.revokedAt).not.toBeNull();
    const expired = await make({ expiresInDays: 1 });
    await env.DB.prepare('UPDATE tokens SET expires_at = ?2 WHERE id = ?1')
      .bind(expired.id, new Date(Date.now() - 1).toISOString())
      .run();
    const answers = [];
    for (const token of [null, 'wrong', revoked.token, expired.token]) {
      const { status, text, headers } = await call('/v1/generations', { token });
      answers.push({ status, text, challenge: headers.get('www-authenticate') });
    }
    expect(answers[0]?.status).toBe(401);
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
  });

  test('the same work is done whatever is presented', async () => {
    const good = await make();
    const entries: TokenEntry[] = [{ orgId: 'first', sha256: await sha256Hex('configured') }];
    for (const token of ['', 'wrong', 'configured', good.token]) {
      const asked: string[] = [];
      const tokens = store().tokens;
      const counting = {
        byHash: (hash: string) => {
          asked.push(hash);
          return tokens.byHash(hash);
        },
        used: () => Promise.resolve(),
      };
      await callerOf(token, entries, counting, new Date());
      expect(asked, token).toEqual([await sha256Hex(token)]);
    }
  });

  test('revoking twice keeps the first time, and another organisation cannot', async () => {
    const { id } = await make();
    const other = { method: 'DELETE', token: inject('tokens').second };
    expect((await call(`/v1/tokens/${id}`, other)).status).toBe(404);
    const first = await call<Token>(`/v1/tokens/${id}`, { method: 'DELETE' });
    const second = await call<Token>(`/v1/tokens/${id}`, { method: 'DELETE' });
    expect(second.body).toEqual(first.body);
    expect((await call('/v1/tokens/tok-x', { method: 'DELETE' })).status).toBe(404);
  });
});
