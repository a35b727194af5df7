/** All verification vectors. Keys come from fixed seeds, so that the same vectors come out every time. */
import { publicKeyPem } from '../../../src/signing/ed25519.ts';
import { bundleShapeVectors } from './bundle-shape.ts';
import { bundleTextVectors } from './bundle-text.ts';
import { signatureVectors } from './signature.ts';
import { statementVectors } from './statement.ts';
import { fileVectors, timeVectors } from './time-and-files.ts';
import { base64, NOW, openBench, type VectorFile } from './vector.ts';

export async function makeVectors(): Promise<VectorFile> {
  const bench = await openBench();
  const { signed } = bench;
  return {
    format: 'assay-verification-vectors/v1',
    now: NOW,
    signers: [
      {
        name: 'signer',
        publicKey: publicKeyPem(signed.publicKey),
        notBefore: null,
        notAfter: null,
        revoked: null,
      },
    ],
    base: {
      bundle: base64(signed.bundle),
      files: Object.fromEntries([...signed.files].map(([path, bytes]) => [path, base64(bytes)])),
    },
    vectors: [
      { name: 'verified', expect: 'verified' },
      ...bundleTextVectors(bench),
      ...bundleShapeVectors(bench),
      ...signatureVectors(bench),
      ...statementVectors(bench),
      ...timeVectors(bench),
      ...fileVectors(bench),
    ],
  };
}

export function vectorText(file: VectorFile): string {
  return `${JSON.stringify(file, null, 1)}\n`;
}
