import { createPublicKey, verify as nodeVerify } from 'node:crypto';
import { expect, test } from 'vitest';
import { PAYLOAD_TYPE } from '../../../src/schema/statement.ts';
import {
  parsePublicKey,
  parseSigningKey,
  privateKeyPem,
  publicKeyPem,
} from '../../../src/signing/ed25519.ts';
import { preAuthEncoding } from '../../../src/signing/envelope.ts';
import { signedRule } from '../../support/signed.ts';

test('OpenSSL, through Node, verifies our signature over the same bytes with the exported key', async () => {
  const { bundle, publicKey } = await signedRule();
  const { dsseEnvelope } = JSON.parse(new TextDecoder().decode(bundle));
  const message = preAuthEncoding(PAYLOAD_TYPE, Buffer.from(dsseEnvelope.payload, 'base64'));
  const signature = Buffer.from(dsseEnvelope.signatures[0].sig, 'base64');
  const key = createPublicKey(publicKeyPem(publicKey));
  expect(nodeVerify(null, message, key, signature)).toBe(true);
  message[20] = (message[20] ?? 0) ^ 1;
  expect(nodeVerify(null, message, key, signature)).toBe(false);
});

test('the encoding is the one the DSSE specification gives as an example', () => {
  const encoded = preAuthEncoding('http://example.com/HelloWorld', new TextEncoder().encode('hello world'));
  expect(new TextDecoder().decode(encoded)).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
});

test('keys are read from PEM and from bare base64, and anything else is refused', async () => {
  const pem = privateKeyPem(new Uint8Array(32).fill(1));
  const bare = pem.replace(/-----[^-]+-----|\s/g, '');
  const fromPem = await parseSigningKey(pem);
  const fromBare = await parseSigningKey(bare);
  expect(fromPem?.publicKey.keyId).toBe(fromBare?.publicKey.keyId);
  for (const text of ['', 'x', pem.replace('PRIVATE', 'PUBLIC'), bare.slice(4), `${bare}AAAA`]) {
    expect(await parseSigningKey(text)).toBeNull();
  }
  if (fromPem === null) throw new Error('no key');
  const spki = publicKeyPem(fromPem.publicKey);
  expect((await parsePublicKey(spki))?.keyId).toBe(fromPem.publicKey.keyId);
  expect(await parsePublicKey(pem)).toBeNull();
});
