/**
 * Public on purpose, because it is what others verify with: the public half of the signing key and, when
 * they are published, the trust documents, whose signatures speak for themselves.
 */
import { keyList } from '../schema/api.ts';
import { publicKeyPem } from '../signing/ed25519.ts';
import { type Route, route } from './route.ts';

export const keyRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/keys',
    summary: 'The public key that rules are signed with, and the trust documents',
    scope: null,
    answers: {
      200: {
        description: 'The current signing key; documents are null where none are published.',
        schema: keyList,
      },
    },
    handle: async (context) => {
      const { config, store } = context.var;
      const { publicKey } = config.signingKey;
      const published = (await store.trust.get())?.documents;
      return context.json({
        keys: [{ keyId: publicKey.keyId, algorithm: 'ed25519', publicKeyPem: publicKeyPem(publicKey) }],
        trustRoot: published?.roots.at(-1) ?? null,
        roots: published?.roots ?? [],
        revocations: published?.revocations ?? null,
      });
    },
  }),
];
