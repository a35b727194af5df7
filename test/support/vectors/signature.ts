/** Keys and signatures: unknown, swapped, revoked, malformed, of another message. */
import { PAYLOAD_TYPE } from '../../../src/schema/statement.ts';
import { signBundle } from '../../../src/signing/bundle.ts';
import { publicKeyPem } from '../../../src/signing/ed25519.ts';
import { preAuthEncoding } from '../../../src/signing/envelope.ts';
import { type Bench, base64, bundled, type Loose, type SignerFacts, type Vector } from './vector.ts';

export function signatureVectors({ signed, other, rebundle }: Bench): Vector[] {
  const payload = Buffer.from(
    JSON.parse(new TextDecoder().decode(signed.bundle)).dsseEnvelope.payload,
    'base64',
  );
  const good = signed.key.sign(preAuthEncoding(PAYLOAD_TYPE, payload));
  const named = (change: (b: Loose, envelope: Loose) => void) => rebundle((b) => change(b, b.dsseEnvelope));
  const sig = (name: string, bytes: Uint8Array): Vector =>
    bundled(
      `signature/${name}`,
      'signature_invalid',
      named((_, e) => {
        e.signatures[0].sig = base64(bytes);
      }),
    );
  const facts = (key: typeof other, more: Partial<SignerFacts> = {}): SignerFacts => ({
    ...{
      name: 'signer',
      publicKey: publicKeyPem(key.publicKey),
      notBefore: null,
      notAfter: null,
      revoked: null,
    },
    ...more,
  });
  return [
    bundled('signature/unknown-key', 'key_unknown', signBundle(payload, other)),
    { name: 'signature/no-trusted-key-at-all', expect: 'key_unknown', signers: [] },
    {
      name: 'signature/key-revoked',
      expect: 'key_revoked',
      signers: [facts(signed.key, { revoked: 'it leaked' })],
    },
    bundled(
      'signature/claims-trusted-key',
      'signature_invalid',
      named((_, e) => {
        e.signatures[0].sig = base64(other.sign(preAuthEncoding(PAYLOAD_TYPE, payload)));
      }),
    ),
    bundled(
      'signature/keyid-of-another',
      'bundle_malformed',
      named((_, e) => {
        e.signatures[0].keyid = other.publicKey.keyId;
      }),
    ),
    bundled(
      'signature/hint-of-another',
      'bundle_malformed',
      named((b) => {
        b.verificationMaterial.publicKey.hint = other.publicKey.keyId;
      }),
    ),
    bundled(
      'signature/keyid-empty',
      'bundle_malformed',
      named((_, e) => {
        e.signatures[0].keyid = '';
      }),
    ),
    sig('empty', new Uint8Array()),
    sig('63-bytes', good.slice(0, 63)),
    sig('65-bytes', Uint8Array.from([...good, 0])),
    sig('zero', new Uint8Array(64)),
    sig('r-changed', flipped(good, 0)),
    sig('r-sign-changed', flipped(good, 31, 0x80)),
    sig('s-changed', flipped(good, 32)),
    sig('s-and-r-swapped', Uint8Array.from([...good.slice(32), ...good.slice(0, 32)])),
    sig('s-plus-order', plusOrder(good)),
    sig('s-highest-bit', flipped(good, 63, 0x80)),
    sig('r-small-order', Uint8Array.from([1, ...new Uint8Array(31), ...good.slice(32)])),
    sig('r-not-canonical', Uint8Array.from([0xee, ...Array(30).fill(0xff), 0x7f, ...good.slice(32)])),
    sig('over-payload-alone', signed.key.sign(payload)),
    sig('over-other-type', signed.key.sign(preAuthEncoding('application/json', payload))),
    sig('over-base64', signed.key.sign(preAuthEncoding(PAYLOAD_TYPE, Buffer.from(base64(payload))))),
    sig('over-no-prefix', signed.key.sign(preAuthEncoding(PAYLOAD_TYPE, payload).slice('DSSEv1 '.length))),
    bundled(
      'signature/payload-changed',
      'signature_invalid',
      named((_, e) => {
        e.payload = base64(flipped(payload, 100));
      }),
    ),
    bundled(
      'signature/payload-cut',
      'signature_invalid',
      named((_, e) => {
        e.payload = base64(payload.subarray(0, -1));
      }),
    ),
    bundled(
      'signature/payload-longer',
      'signature_invalid',
      named((_, e) => {
        e.payload = base64(Buffer.concat([payload, Buffer.from(' ')]));
      }),
    ),
    bundled(
      'signature/payload-empty',
      'signature_invalid',
      named((_, e) => {
        e.payload = '';
      }),
    ),
    bundled(
      'signature/payload-of-another',
      'signature_invalid',
      named((_, e) => {
        e.payload = base64('{}');
      }),
    ),
  ];
}

function flipped(bytes: Uint8Array, at: number, mask = 1): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ mask;
  return changed;
}

/** The same point again: what verifiers that do not look at S accept. */
function plusOrder(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const changed = Uint8Array.from(signature);
  let s = order;
  for (let i = 0; i < 32; i += 1) s += BigInt(signature[32 + i] ?? 0) << BigInt(8 * i);
  for (let i = 0; i < 32; i += 1) changed[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
  return changed;
}
