/** Signs a statement into a Sigstore bundle v0.3. The same statement and key give the same bytes. */
import { BUNDLE_MEDIA_TYPE, type Bundle, PAYLOAD_TYPE, type Statement } from '../schema/statement.ts';
import { toBase64 } from './base64.ts';
import type { SigningKey } from './ed25519.ts';
import { preAuthEncoding } from './envelope.ts';

/** The exact bytes that become the envelope's payload. */
export function encodeStatement(statement: Statement): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(statement));
}

/** @param payload from {@link encodeStatement}; signed as given, never re-encoded */
export function signBundle(payload: Uint8Array, key: SigningKey): string {
  const signature = key.sign(preAuthEncoding(PAYLOAD_TYPE, payload));
  const { keyId } = key.publicKey;
  const bundle: Bundle = {
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: keyId } },
    dsseEnvelope: {
      payload: toBase64(payload),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: toBase64(signature), keyid: keyId }],
    },
  };
  return encodeBundle(bundle);
}

/** The one text a bundle has. A verifier compares with it, so that no byte of the file is free to change. */
export function encodeBundle(bundle: Bundle): string {
  return `${JSON.stringify(bundle, null, 2)}\n`;
}
