/**
 * minisign's files for the bundle file: the prehashed form `ED`, BLAKE2b-512 of the file, and a second
 * signature over the first with the trusted comment. Never the legacy form, which signs a file's own bytes:
 * a caller's choice of bytes must not be able to become what a bundle signs (ADR 0016).
 */
import { blake2b } from '@noble/hashes/blake2.js';
import { toBase64 } from '../base64.ts';
import { joinBytes } from '../bytes.ts';
import type { PublicKey, SigningKey } from '../ed25519.ts';
import { keyNumber, type Parts, type Sidecar, tagged } from './parts.ts';

const BUNDLE = 'rule.sigstore.json';

/** Signs twice. The same bundle and key give the same files: there is no time in the comment. */
export function minisignSidecar({ bundle, bundleSha256 }: Parts, key: SigningKey): Sidecar {
  const number = keyNumber(key.publicKey);
  const comment = `verified rule bundle sha256:${bundleSha256}`;
  const signature = key.sign(blake2b(bundle, { dkLen: 64 }));
  const overBoth = key.sign(joinBytes(signature, new TextEncoder().encode(comment)));
  const lines = [
    `untrusted comment: signature from minisign key ${printed(number)}`,
    toBase64(tagged('ED', number, signature)),
    `trusted comment: ${comment}`,
    toBase64(overBoth),
  ];
  return {
    files: {
      [BUNDLE]: bundle,
      [`${BUNDLE}.minisig`]: `${lines.join('\n')}\n`,
      'minisign.pub': publicKeyFile(key.publicKey, number),
    },
    commands: [`minisign -V -p minisign.pub -m ${BUNDLE}`],
  };
}

function publicKeyFile(key: PublicKey, number: Uint8Array): string {
  const blob = toBase64(tagged('Ed', number, key.bytes));
  return `untrusted comment: minisign public key ${printed(number)}\n${blob}\n`;
}

/** As minisign prints it: a little-endian number in hex. */
function printed(number: Uint8Array): string {
  return Array.from(number.toReversed(), (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}
