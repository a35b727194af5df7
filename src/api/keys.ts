/** The public half of the signing key. Public on purpose: it is what others verify with. */
import { keyList } from '../schema/api.ts';
import { publicKeyPem } from '../signing/ed25519.ts';
import { type Route, route } from './route.ts';

export const keyRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/keys',
    summary: 'The public key that rules are signed with',
    scope: null,
    answers: { 200: { description: 'The current signing key.', schema: keyList } },
    handle: (context) => {
      const { publicKey } = context.get('config').signingKey;
      return context.json({
        keys: [{ keyId: publicKey.keyId, algorithm: 'ed25519', publicKeyPem: publicKeyPem(publicKey) }],
      });
    },
  }),
];
