/**
 * signify's files. Its signature is plain Ed25519 over the file, so the one in the bundle fits as it is,
 * over the file of signed bytes; nothing is signed anew.
 */
import { toBase64 } from '../base64.ts';
import type { PublicKey } from '../ed25519.ts';
import { keyNumber, type Parts, type Sidecar, tagged } from './parts.ts';

export function signifySidecar({ pae, signature }: Parts, key: PublicKey): Sidecar {
  const number = keyNumber(key);
  return {
    files: {
      'pae.bin': pae,
      'pae.bin.sig': text('verify with rule.pub', tagged('Ed', number, signature)),
      'rule.pub': text('assay public key', tagged('Ed', number, key.bytes)),
    },
    commands: ['signify-openbsd -V -p rule.pub -x pae.bin.sig -m pae.bin'],
  };
}

function text(comment: string, blob: Uint8Array): string {
  return `untrusted comment: ${comment}\n${toBase64(blob)}\n`;
}
