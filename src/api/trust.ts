/**
 * `PUT /v1/keys/trust`: takes the operator's trust documents. A token is needed, and is not enough: they are
 * taken only when they follow, signature by signature, from the root that `TRUST_ROOT_SHA256` names and
 * from what is published already.
 */
import { Hono } from 'hono';
import { Fault } from '../errors.ts';
import { publishedTrust } from '../schema/trust.ts';
import { acceptPublication } from '../signing/published.ts';
import { readBody } from './body.ts';
import type { AppEnv } from './context.ts';

const MAX_DOCUMENTS_BYTES = 8 * 1024 * 1024;

/** @throws Fault TRUST_NOT_CONFIGURED | TRUST_REFUSED, whose details hold the reason */
export const trust = new Hono<AppEnv>().put('/', async (context) => {
  const { config, store } = context.var;
  const anchor = config.trustRootSha256;
  if (anchor === null) {
    throw new Fault(
      'TRUST_NOT_CONFIGURED',
      'this service takes no trust root; its operator sets TRUST_ROOT_SHA256 to the digest of the first one',
    );
  }
  const offered = await readBody(context, publishedTrust, MAX_DOCUMENTS_BYTES);
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
});
