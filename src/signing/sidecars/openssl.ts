/** Raw bytes for `openssl pkeyutl`: key, signed bytes, signature. Same signature as in the bundle. */
import { type PublicKey, publicKeyPem } from '../ed25519.ts';
import type { Parts, Sidecar } from './parts.ts';

export function opensslSidecar({ payload, pae, signature }: Parts, key: PublicKey): Sidecar {
  const headBytes = pae.length - payload.length;
  return {
    files: {
      'public.pem': publicKeyPem(key),
      'pae.bin': pae,
      'signature.bin': signature,
      'payload.json': payload,
    },
    commands: [
      'openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in pae.bin -sigfile signature.bin',
      // The signature is over pae.bin; a payload beside it must be the one inside.
      `tail -c +${headBytes + 1} pae.bin | cmp - payload.json`,
    ],
  };
}
