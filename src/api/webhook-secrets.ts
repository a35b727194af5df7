/** Secrets that webhooks are signed with: made, listed, revoked. Two at once, so that one can follow the other. */
import { z } from 'zod';
import { Fault } from '../errors.ts';
import {
  createdWebhookSecret,
  MAX_ACTIVE_SECRETS,
  type WebhookSecret,
  webhookSecretPage,
  webhookSecretSchema,
} from '../schema/webhooks.ts';
import type { WebhookSecretRow } from '../store/webhook-secrets.ts';
import { deriveSecret, secretText } from '../webhooks/secret.ts';
import { webhooksOf } from './callback.ts';
import { newId } from './ids.ts';
import { nextCursor, pageQuery } from './page.ts';
import { pathParam, type Route, route } from './route.ts';

const MAX_BODY_BYTES = 1_024;

export const webhookSecretRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/webhooks/secrets',
    summary: 'Make a secret that webhooks are signed with from now on; it is answered this once',
    scope: 'admin',
    body: { schema: z.strictObject({}), maxBytes: MAX_BODY_BYTES, optional: true },
    answers: { 201: { description: 'The secret.', schema: createdWebhookSecret } },
    errors: ['WEBHOOKS_NOT_CONFIGURED', 'TOO_MANY_SECRETS'],
    handle: async (context) => {
      const { config, store, orgId } = context.var;
      const { rootKey } = webhooksOf(config);
      const now = Date.now();
      const row = { id: newId('whs', now), org_id: orgId, created_at: new Date(now).toISOString() };
      if (!(await store.webhookSecrets.insert(row))) {
        throw new Fault(
          'TOO_MANY_SECRETS',
          `${MAX_ACTIVE_SECRETS} secrets are active; revoke the old one first`,
        );
      }
      const secret = secretText(await deriveSecret(rootKey, orgId, row.id));
      return context.json({ ...toSecret({ ...row, revoked_at: null }), secret }, 201);
    },
  }),
  route({
    method: 'get',
    path: '/v1/webhooks/secrets',
    summary: 'List secrets, newest first, without what they are',
    scope: 'admin',
    query: z.strictObject(pageQuery('whs')),
    answers: { 200: { description: 'A page.', schema: webhookSecretPage } },
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      const rows = await store.webhookSecrets.list(orgId, query.cursor, query.limit);
      return context.json({ secrets: rows.map(toSecret), nextCursor: nextCursor(rows, query.limit) });
    },
  }),
  route({
    method: 'delete',
    path: '/v1/webhooks/secrets/:id',
    summary: 'Revoke a secret: nothing is signed with it any more',
    scope: 'admin',
    answers: {
      200: { description: 'It is revoked; also when it was already.', schema: webhookSecretSchema },
    },
    errors: ['NOT_FOUND'],
    handle: async (context) => {
      const { store, orgId } = context.var;
      const id = pathParam(context, 'id');
      await store.webhookSecrets.revoke(orgId, id, new Date().toISOString());
      const row = await store.webhookSecrets.find(orgId, id);
      if (row === null)
        throw new Fault('NOT_FOUND', `there is no webhook secret ${JSON.stringify(id.slice(0, 100))}`);
      return context.json(toSecret(row));
    },
  }),
];

function toSecret(row: WebhookSecretRow): WebhookSecret {
  return { id: row.id, createdAt: row.created_at, revokedAt: row.revoked_at };
}
