/** Trust documents for tests, signed with keys from fixed seed bytes. */
import {
  REVOCATIONS_FORMAT,
  type Revocations,
  TRUST_ROOT_FORMAT,
  type TrustedSigner,
  type TrustRoot,
} from '../../src/schema/trust.ts';
import { signDocument } from '../../src/signing/document.ts';
import { publicKeyPem, type SigningKey } from '../../src/signing/ed25519.ts';
import { REVOCATIONS } from '../../src/signing/revocations.ts';
import { TRUST_ROOT } from '../../src/signing/trust-root.ts';
import { keyOf } from './signed.ts';

export const ISSUED = '2026-01-01T00:00:00.000Z';
export const NOW = '2026-01-10T00:00:00.000Z';

interface TrustKeys {
  readonly roots: readonly [SigningKey, SigningKey, SigningKey];
  readonly revoker: SigningKey;
  readonly signing: SigningKey;
  readonly next: SigningKey;
}

let made: Promise<TrustKeys> | null = null;
/** Root keys 1 to 3, revocation key 4, signing keys 7 and 8: `keyOf` these seed bytes. */
export function trustKeys(): Promise<TrustKeys> {
  made ??= makeKeys();
  return made;
}

async function makeKeys(): Promise<TrustKeys> {
  const [a, b, c, revoker, signing, next] = await Promise.all([1, 2, 3, 4, 7, 8].map(keyOf));
  if (!a || !b || !c || !revoker || !signing || !next) throw new Error('no key');
  return { roots: [a, b, c], revoker, signing, next };
}

export function listed(key: SigningKey): { keyId: string; publicKey: string } {
  const publicKey = publicKeyPem(key.publicKey).replace(/-----[^-]+-----|\s/g, '');
  return { keyId: key.publicKey.keyId, publicKey };
}

export function signerOf(key: SigningKey, over: Partial<TrustedSigner> = {}): TrustedSigner {
  return { name: 'signing-1', ...listed(key), notBefore: ISSUED, notAfter: null, ...over };
}

/** Two of three root keys, one revocation key, one signer; lists count for 30 days. */
export async function rootBody(over: Partial<TrustRoot> = {}): Promise<TrustRoot> {
  const { roots, revoker, signing } = await trustKeys();
  return {
    format: TRUST_ROOT_FORMAT,
    sequence: 1,
    issuedAt: ISSUED,
    expiresAt: '2027-01-01T00:00:00.000Z',
    roles: {
      root: { keyIds: roots.map((one) => one.publicKey.keyId), threshold: 2 },
      revocations: { keyIds: [revoker.publicKey.keyId], threshold: 1 },
    },
    keys: [...roots, revoker].map(listed),
    signers: [signerOf(signing)],
    revocationsMaxAgeDays: 30,
    log: null,
    ...over,
  };
}

export function listBody(over: Partial<Revocations> = {}): Revocations {
  return { format: REVOCATIONS_FORMAT, sequence: 1, issuedAt: ISSUED, keys: [], bundles: [], ...over };
}

export async function rootFile(
  over: Partial<TrustRoot> = {},
  signers?: readonly SigningKey[],
): Promise<Uint8Array> {
  const { roots } = await trustKeys();
  return signDocument(TRUST_ROOT, await rootBody(over), signers ?? [roots[0], roots[1]]);
}

export async function listFile(
  over: Partial<Revocations> = {},
  signers?: readonly SigningKey[],
): Promise<Uint8Array> {
  const { revoker } = await trustKeys();
  return signDocument(REVOCATIONS, listBody(over), signers ?? [revoker]);
}

/** The same file with its JSON changed, written canonically again; signatures stay as they were. */
export function rewritten(file: Uint8Array, change: (document: DocumentJson) => void): Uint8Array {
  const document = JSON.parse(new TextDecoder().decode(file)) as DocumentJson;
  change(document);
  return new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`);
}

export interface DocumentJson {
  payload: string;
  payloadType: string;
  signatures: { keyid: string; sig: string }[];
}
