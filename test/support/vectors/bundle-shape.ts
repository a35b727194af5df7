/** Bundles of another shape than ours: versions, fields, types, numbers of signatures. */
import { type Bench, bundled, type Loose, type Vector } from './vector.ts';

export function bundleShapeVectors({ rebundle }: Bench): Vector[] {
  const shape = (
    name: string,
    change: (bundle: Loose) => void,
    expect: Vector['expect'] = 'bundle_malformed',
  ): Vector => bundled(`bundle-shape/${name}`, expect, rebundle(change));
  const unknownVersion = (name: string, mediaType: unknown): Vector =>
    shape(
      `version-${name}`,
      (b) => {
        b.mediaType = mediaType;
      },
      'bundle_version_unknown',
    );
  return [
    unknownVersion('0.1', 'application/vnd.dev.sigstore.bundle+json;version=0.1'),
    unknownVersion('0.2', 'application/vnd.dev.sigstore.bundle+json;version=0.2'),
    unknownVersion('0.3-old-form', 'application/vnd.dev.sigstore.bundle+json;version=0.3'),
    unknownVersion('0.4', 'application/vnd.dev.sigstore.bundle.v0.4+json'),
    unknownVersion('upper-case', 'application/vnd.dev.sigstore.bundle.V0.3+json'),
    unknownVersion('empty', ''),
    unknownVersion('number', 0.3),
    unknownVersion('missing', undefined),
    shape(
      'no-signature',
      (b) => {
        b.dsseEnvelope.signatures = [];
      },
      'signatures_not_one',
    ),
    shape(
      'two-signatures',
      (b) => {
        b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]);
      },
      'signatures_not_one',
    ),
    shape(
      'ten-signatures',
      (b) => {
        b.dsseEnvelope.signatures = Array(10).fill(b.dsseEnvelope.signatures[0]);
      },
      'signatures_not_one',
    ),
    shape('signatures-object', (b) => {
      b.dsseEnvelope.signatures = { 0: b.dsseEnvelope.signatures[0] };
    }),
    shape('signature-null', (b) => {
      b.dsseEnvelope.signatures = [null];
    }),
    shape('signature-without-sig', (b) => {
      delete b.dsseEnvelope.signatures[0].sig;
    }),
    shape('signature-without-keyid', (b) => {
      delete b.dsseEnvelope.signatures[0].keyid;
    }),
    shape('signature-with-extra-field', (b) => {
      b.dsseEnvelope.signatures[0].alg = 'none';
    }),
    shape('sig-number', (b) => {
      b.dsseEnvelope.signatures[0].sig = 1;
    }),
    shape('no-envelope', (b) => {
      delete b.dsseEnvelope;
    }),
    shape('envelope-null', (b) => {
      b.dsseEnvelope = null;
    }),
    shape('message-signature', (b) => {
      b.messageSignature = b.dsseEnvelope;
      delete b.dsseEnvelope;
    }),
    shape('both-contents', (b) => {
      b.messageSignature = {};
    }),
    shape('no-payload', (b) => {
      delete b.dsseEnvelope.payload;
    }),
    shape('payload-object', (b) => {
      b.dsseEnvelope.payload = {};
    }),
    shape('payload-type-missing', (b) => {
      delete b.dsseEnvelope.payloadType;
    }),
    shape('payload-type-other', (b) => {
      b.dsseEnvelope.payloadType = 'application/json';
    }),
    shape('payload-type-upper-case', (b) => {
      b.dsseEnvelope.payloadType = 'application/vnd.in-toto+JSON';
    }),
    shape('no-material', (b) => {
      delete b.verificationMaterial;
    }),
    shape('material-certificate', (b) => {
      b.verificationMaterial = { certificate: { rawBytes: 'AAAA' } };
    }),
    shape('material-with-log-entry', (b) => {
      b.verificationMaterial.tlogEntries = [];
    }),
    shape('material-with-timestamp', (b) => {
      b.verificationMaterial.timestampVerificationData = {};
    }),
    shape('no-hint', (b) => {
      delete b.verificationMaterial.publicKey.hint;
    }),
    shape('hint-null', (b) => {
      b.verificationMaterial.publicKey.hint = null;
    }),
    shape('raw-key-beside-hint', (b) => {
      b.verificationMaterial.publicKey.rawBytes = 'AAAA';
    }),
    shape('extra-field', (b) => {
      b.comment = 'x';
    }),
    shape('payload-not-base64', (b) => {
      b.dsseEnvelope.payload = '{"_type":1}';
    }),
    shape('payload-base64url', (b) => {
      b.dsseEnvelope.payload = '-_8=';
    }),
    shape('payload-without-padding', (b) => {
      b.dsseEnvelope.payload = 'e30';
    }),
    shape('payload-with-space', (b) => {
      b.dsseEnvelope.payload = ` ${b.dsseEnvelope.payload}`;
    }),
    shape('payload-with-newline', (b) => {
      b.dsseEnvelope.payload += '\n';
    }),
    shape('payload-unused-bits', (b) => {
      b.dsseEnvelope.payload = 'AB==';
    }),
    shape('sig-unused-bits', (b) => {
      b.dsseEnvelope.signatures[0].sig = spoilBits(b.dsseEnvelope.signatures[0].sig);
    }),
    shape('sig-base64url', (b) => {
      b.dsseEnvelope.signatures[0].sig = '-_8=';
    }),
  ];
}

/** 64 bytes leave four bits of the last digit unused; they must be zero. */
function spoilBits(sig: string): string {
  const last = sig.at(-3) ?? '';
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return `${sig.slice(0, -3)}${digits[digits.indexOf(last) | 1]}==`;
}
