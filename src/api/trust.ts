/**
 * `PUT /v1/keys/trust`: takes the operator's trust documents. A token is needed, and is not enough: they are
 * taken only when they follow, signature by signature, from the root that `TRUST_ROOT_SHA256` names and
 * from what is published already.
 */
import type { Context } from 'hono';
import { Fault } from '../errors.ts';
import { type PublishedTrust, publishedTrust, trustPublished } from '../schema/trust.ts';
import { acceptPublication } from '../signing/published.ts';
import type { AppEnv } from './context.ts';
import { type Route, route } from './route.ts';

const MAX_DOCUMENTS_BYTES = 8 * 1024 * 1024;

export const trustRoutes: readonly Route[] = [
  route({
    method: 'put',
    path: '/v1/keys/trust',
    summary: 'Publish trust documents that follow from those that are published',
    scope: 'admin',
    body: { schema: publishedTrust, maxBytes: MAX_DOCUMENTS_BYTES },
    answers: { 200: { description: 'They are served from now on.', schema: trustPublished } },
    errors: ['TRUST_NOT_CONFIGURED', 'TRUST_REFUSED'],
    handle: (context, { body }) => publish(context, body),
  }),
];

/** @throws Fault TRUST_NOT_CONFIGURED | TRUST_REFUSED, whose details hold the reason */
async function publish(context: Context<AppEnv>, offered: PublishedTrust): Promise<Response> {
  const { config, store } = context.var;
  const anchor = config.trustRootSha256;
  if (anchor === null) {
    throw new Fault(
      'TRUST_NOT_CONFIGURED',
      'this service takes no trust root; its operator sets TRUST_ROOT_SHA256 to the digest of the first one',
    );
  }
  const stored = await store.trust.get();
  const now = new Date().toISOString();
  const accepted = await acceptPublication(stored?.documents ?? null, offered, anchor, now);
  if (!accepted.ok) {
    throw new Fault('TRUST_REFUSED', accepted.message, { details: { reason: accepted.reason } });
  }
  if (!(await store.trust.replace(stored, accepted.documents))) {
    throw new Fault('TRUST_REFUSED', 'other documents were published meanwhile; publish again');
  }
  const { root, revocations } = accepted;
  return context.json({ ok: true, root, revocations });
}
