/** The public half of the signing key. Public on purpose: it is what others verify with. */
import { Hono } from 'hono';
import { publicKeyPem } from '../signing/ed25519.ts';
import type { AppEnv } from './context.ts';

export const publicKeys = new Hono<AppEnv>().get('/', (context) => {
  const { publicKey } = context.get('config').signingKey;
  return context.json({
    keys: [{ keyId: publicKey.keyId, algorithm: 'ed25519', publicKeyPem: publicKeyPem(publicKey) }],
  });
});
