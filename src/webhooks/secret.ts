/**
 * Signing secrets and signatures in the form of Standard Webhooks: `whsec_…`, HMAC-SHA256, `v1,…`. A secret is
 * derived, never stored: whoever reads D1 learns ids, and whoever holds the deployment's key has all of them.
 */
import { toBase64 } from '../signing/base64.ts';

const PURPOSE = 'assay/webhook-secret/v1';
const PREFIX = 'whsec_';

/** 32 bytes. Other organisations and other ids have secrets that tell nothing of this one. */
export async function deriveSecret(
  rootKey: Uint8Array,
  orgId: string,
  secretId: string,
): Promise<Uint8Array> {
  return hmac(rootKey, `${PURPOSE}\n${orgId}\n${secretId}`);
}

/** As its owner is shown it, once. */
export function secretText(secret: Uint8Array): string {
  return `${PREFIX}${toBase64(secret)}`;
}

/**
 * The headers of one attempt: one signature for each secret, so that a receiver may know either of two.
 * @param id has no full stop, which separates what is signed
 */
export async function signedHeaders(
  secrets: readonly Uint8Array[],
  id: string,
  sentAt: Date,
  body: string,
): Promise<Record<string, string>> {
  const timestamp = Math.floor(sentAt.getTime() / 1_000);
  const signatures = await Promise.all(
    secrets.map(async (secret) => `v1,${toBase64(await hmac(secret, `${id}.${timestamp}.${body}`))}`),
  );
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}

async function hmac(key: Uint8Array, text: string): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', key as BufferSource, algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(text)));
}
