/** JWK and base64url for Web Crypto, JOSE libraries and browsers. Same signature as in the bundle. */
import { toBase64 } from '../base64.ts';
import type { PublicKey } from '../ed25519.ts';
import type { Parts, Sidecar } from './parts.ts';

const VERIFIER = `import { readFileSync } from 'node:fs';
const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8').trim();
const bytes = (name) => Buffer.from(read(name), 'base64url');
const key = await crypto.subtle.importKey('jwk', JSON.parse(read('public.jwk.json')), 'Ed25519', false, ['verify']);
const good = await crypto.subtle.verify('Ed25519', key, bytes('signature.b64u'), bytes('pae.b64u'));
console.log(good ? 'verified' : 'refused');
process.exitCode = good ? 0 : 1;
`;

export function webcryptoSidecar({ pae, signature }: Parts, key: PublicKey): Sidecar {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(key.bytes), key_ops: ['verify'], ext: true };
  return {
    files: {
      'public.jwk.json': `${JSON.stringify(jwk)}\n`,
      'pae.b64u': `${base64url(pae)}\n`,
      'signature.b64u': `${base64url(signature)}\n`,
      'verify.mjs': VERIFIER,
    },
    commands: ['node verify.mjs'],
  };
}

function base64url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
