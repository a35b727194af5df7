/**
 * Public on purpose, because it is what others verify with: the public half of the signing key and, when
 * they are published, the trust documents, whose signatures speak for themselves.
 */
import { Hono } from 'hono';
import { publicKeyPem } from '../signing/ed25519.ts';
import type { AppEnv } from './context.ts';

export const publicKeys = new Hono<AppEnv>().get('/', async (context) => {
  const { config, store } = context.var;
  const { publicKey } = config.signingKey;
  const published = (await store.trust.get())?.documents;
  return context.json({
    keys: [{ keyId: publicKey.keyId, algorithm: 'ed25519', publicKeyPem: publicKeyPem(publicKey) }],
    trustRoot: published?.roots.at(-1) ?? null,
    roots: published?.roots ?? [],
    revocations: published?.revocations ?? null,
  });
});
