/** API tokens of an organisation: made, listed, revoked. Only an admin token may; a token is shown once. */
import { z } from 'zod';
import { Fault } from '../errors.ts';
import { sha256Hex } from '../rules/digest.ts';
import { createdToken, newTokenSchema, type Token, tokenPage, tokenSchema } from '../schema/tokens.ts';
import { type NewTokenRow, scopesOf, type TokenRow } from '../store/tokens.ts';
import { newId, newToken } from './ids.ts';
import { nextCursor, pageQuery } from './page.ts';
import { pathParam, type Route, route } from './route.ts';

const MAX_BODY_BYTES = 16 * 1024;
const DAY_MS = 86_400_000;

export const tokenRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/tokens',
    summary: 'Make a token; it is answered this once',
    scope: 'admin',
    body: { schema: newTokenSchema, maxBytes: MAX_BODY_BYTES },
    answers: { 201: { description: 'The token, and what is kept of it.', schema: createdToken } },
    handle: async (context, { body }) => {
      const now = Date.now();
      const token = newToken();
      const row: NewTokenRow = {
        id: newId('tok', now),
        org_id: context.get('orgId'),
        name: body.name,
        sha256: await sha256Hex(token),
        scopes: body.scopes.join(','),
        created_at: new Date(now).toISOString(),
        expires_at:
          body.expiresInDays === undefined ? null : new Date(now + body.expiresInDays * DAY_MS).toISOString(),
      };
      await context.get('store').tokens.insert(row);
      return context.json({ ...toToken({ ...row, last_used_at: null, revoked_at: null }), token }, 201);
    },
  }),
  route({
    method: 'get',
    path: '/v1/tokens',
    summary: 'List tokens, newest first; those of the configuration are not among them',
    scope: 'admin',
    query: z.strictObject(pageQuery('tok')),
    answers: { 200: { description: 'A page.', schema: tokenPage } },
    handle: async (context, { query }) => {
      const rows = await context.get('store').tokens.list(context.get('orgId'), query.cursor, query.limit);
      return context.json({ tokens: rows.map(toToken), nextCursor: nextCursor(rows, query.limit) });
    },
  }),
  route({
    method: 'delete',
    path: '/v1/tokens/:id',
    summary: 'Revoke a token, at once and for good',
    scope: 'admin',
    answers: { 200: { description: 'It is revoked; also when it was already.', schema: tokenSchema } },
    errors: ['NOT_FOUND'],
    handle: async (context) => {
      const store = context.get('store');
      const orgId = context.get('orgId');
      const id = pathParam(context, 'id');
      await store.tokens.revoke(orgId, id, new Date().toISOString());
      const row = await store.tokens.find(orgId, id);
      if (row === null) throw new Fault('NOT_FOUND', `there is no token ${JSON.stringify(id.slice(0, 100))}`);
      return context.json(toToken(row));
    },
  }),
];

function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    name: row.name,
    scopes: scopesOf(row),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}
