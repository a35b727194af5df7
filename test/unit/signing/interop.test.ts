/**
 * Our signature under verifiers we did not write, as far as they need no installation; the others are in
 * `test/interop`. Each must refuse what differs, or it would prove nothing.
 */
import { createPublicKey, verify as nodeVerify } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { describe, expect, test } from 'vitest';
import { PAYLOAD_TYPE } from '../../../src/schema/statement.ts';
import {
  type PublicKey,
  parsePublicKey,
  parseSigningKey,
  privateKeyPem,
  publicKeyPem,
} from '../../../src/signing/ed25519.ts';
import { preAuthEncoding } from '../../../src/signing/envelope.ts';
import { missing, samplesOf, shell, toolSuite } from '../../support/interop/tool-suite.ts';
import { keyOf, signedRule } from '../../support/signed.ts';

async function signedBytes() {
  const { bundle, publicKey } = await signedRule();
  const { dsseEnvelope } = JSON.parse(new TextDecoder().decode(bundle));
  const message = new Uint8Array(preAuthEncoding(PAYLOAD_TYPE, Buffer.from(dsseEnvelope.payload, 'base64')));
  const signature = new Uint8Array(Buffer.from(dsseEnvelope.signatures[0].sig, 'base64'));
  const tampered = message.slice();
  tampered[60] = (tampered[60] ?? 0) ^ 1;
  return { publicKey, message, signature, tampered };
}

test('node:crypto, with the exported key', async () => {
  const { publicKey, message, signature, tampered } = await signedBytes();
  const key = createPublicKey(publicKeyPem(publicKey));
  expect(nodeVerify(null, message, key, signature)).toBe(true);
  expect(nodeVerify(null, tampered, key, signature)).toBe(false);
  const other = createPublicKey(publicKeyPem((await keyOf(8)).publicKey));
  expect(nodeVerify(null, message, other, signature)).toBe(false);
});

test('Web Crypto, with the exported JWK', async () => {
  const { message, signature, tampered } = await signedBytes();
  const { honest, otherKey } = await samplesOf('webcrypto');
  const imported = (jwk: unknown) =>
    crypto.subtle.importKey('jwk', JSON.parse(String(jwk)), 'Ed25519', false, ['verify']);
  const key = await imported(honest.files['public.jwk.json']);
  expect(await crypto.subtle.verify('Ed25519', key, signature, message)).toBe(true);
  expect(await crypto.subtle.verify('Ed25519', key, signature, tampered)).toBe(false);
  const other = await imported(otherKey.files['public.jwk.json']);
  expect(await crypto.subtle.verify('Ed25519', other, signature, message)).toBe(false);
});

describe('@sigstore/verify, key by hint, no log and no timestamp asked for', () => {
  const verifierOf = (key: PublicKey) => {
    const root = {
      mediaType: '',
      tlogs: [],
      certificateAuthorities: [],
      ctlogs: [],
      timestampAuthorities: [],
    };
    const trust = toTrustMaterial(root, (hint) => {
      if (hint !== key.keyId) throw new Error('unknown key');
      return { publicKey: createPublicKey(publicKeyPem(key)), validFor: () => true };
    });
    return new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
  };
  const verify = (verifier: Verifier, bundle: unknown) =>
    verifier.verify(toSignedEntity(bundleFromJSON(bundle)));

  test('accepts the bundle file as it is', async () => {
    const { bundle, publicKey } = await signedRule();
    const signer = verify(verifierOf(publicKey), JSON.parse(new TextDecoder().decode(bundle)));
    expect(signer.key.export({ type: 'spki', format: 'pem' })).toBe(publicKeyPem(publicKey));
  });

  test('refuses another payload, another signature, another key', async () => {
    const { bundle, publicKey } = await signedRule();
    const parsed = () => JSON.parse(new TextDecoder().decode(bundle));
    const payload = parsed();
    payload.dsseEnvelope.payload = Buffer.from('{"_type":"x"}').toString('base64');
    expect(() => verify(verifierOf(publicKey), payload)).toThrow(/signature/i);
    const signature = parsed();
    signature.dsseEnvelope.signatures[0].sig = Buffer.alloc(64, 1).toString('base64');
    expect(() => verify(verifierOf(publicKey), signature)).toThrow(/signature/i);
    const stranger = (await keyOf(8)).publicKey;
    const other = { ...stranger, keyId: publicKey.keyId };
    expect(() => verify(verifierOf(other), parsed())).toThrow(/signature/i);
    expect(() => verify(verifierOf(stranger), parsed())).toThrow(/unknown key/);
  });
});

toolSuite(
  'openssl',
  { data: 'pae.bin', signature: 'signature.bin', key: 'public.pem' },
  missing('openssl', ['pkeyutl', '-help'], '-rawin'),
);
toolSuite('webcrypto', { data: 'pae.b64u', signature: 'signature.b64u', key: 'public.jwk.json' }, null);
const noSsh = missing('ssh-keygen', ['-Y', 'verify'], 'for verify');
toolSuite(
  'ssh',
  { data: 'rule.sigstore.json', signature: 'rule.sigstore.json.sig', key: 'allowed_signers' },
  noSsh,
);

test.skipIf(noSsh !== null)('ssh-keygen refuses the signature for any other purpose', async () => {
  const { honest } = await samplesOf('ssh');
  const directory = await mkdtemp(join(tmpdir(), 'assay-interop-'));
  try {
    for (const [name, content] of Object.entries(honest.files))
      await writeFile(join(directory, name), content);
    const [command = ''] = honest.commands;
    expect(shell(command, directory).accepted).toBe(true);
    expect(shell(command.replace('-n verified-rule@assay.alt', '-n git'), directory).accepted).toBe(false);
    expect(shell(command.replace('-I assay', '-I other'), directory).accepted).toBe(false);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
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
