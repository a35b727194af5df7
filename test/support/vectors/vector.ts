/**
 * A verification vector: one change to a signed rule, and what a verifier must say to it. Vectors are plain
 * data in `fixtures/vectors/verification.json`, so that other implementations can use them.
 */
import type { Statement } from '../../../src/schema/statement.ts';
import { encodeStatement, signBundle } from '../../../src/signing/bundle.ts';
import type { Signer, Signers } from '../../../src/signing/signers.ts';
import type { RefusalReason } from '../../../src/signing/verify.ts';
import { keyOf, type SignedRule, signedRule } from '../signed.ts';

export interface SignerFacts {
  readonly name: string;
  /** SPKI, PEM. */
  readonly publicKey: string;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly revoked: string | null;
}

export interface Vector {
  readonly name: string;
  readonly expect: 'verified' | RefusalReason;
  /** Base64 of the bundle file; that of `base` when absent. */
  readonly bundle?: string;
  /** In place of `bundle`, for what is too large to write down: a text so many times. */
  readonly bundleRepeats?: { readonly text: string; readonly count: number };
  /** Files that are added or replaced, base64 by path, and files that are not there. */
  readonly set?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
  /** In place of the one trusted signer. */
  readonly signers?: readonly SignerFacts[];
  readonly revokedBundles?: Readonly<Record<string, string>>;
  readonly now?: string;
}

export interface VectorFile {
  readonly format: 'assay-verification-vectors/v1';
  readonly now: string;
  readonly signers: readonly SignerFacts[];
  readonly base: { readonly bundle: string; readonly files: Readonly<Record<string, string>> };
  readonly vectors: readonly Vector[];
}

export const NOW = '2026-06-01T00:00:00.000Z';

/** What vectors are made from: the good rule, a second key, and ways to sign what is not good. */
export interface Bench {
  readonly signed: SignedRule;
  readonly other: Awaited<ReturnType<typeof keyOf>>;
  /** Signs any payload text with the trusted key, into a bundle in canonical text. */
  sign(payload: string): string;
  /** Signs the good statement after a change. */
  restate(change: (statement: Loose) => void): string;
  /** The good bundle as a value, changed and written in canonical text, unsigned. */
  rebundle(change: (bundle: Loose) => void): string;
}

/** JSON that a vector may spoil in any way. */
// biome-ignore lint/suspicious/noExplicitAny: a vector reaches into places no type allows.
export type Loose = any;

export async function openBench(): Promise<Bench> {
  const signed = await signedRule();
  const encoder = new TextEncoder();
  const sign = (payload: string): string => signBundle(encoder.encode(payload), signed.key);
  return {
    signed,
    other: await keyOf(8),
    sign,
    restate(change) {
      const statement = structuredClone(signed.statement) as Loose;
      change(statement);
      return sign(new TextDecoder().decode(encodeStatement(statement as Statement)));
    },
    rebundle(change) {
      const bundle: Loose = JSON.parse(new TextDecoder().decode(signed.bundle));
      change(bundle);
      return `${JSON.stringify(bundle, null, 2)}\n`;
    },
  };
}

/** A vector whose bundle is this text. */
export function bundled(name: string, expect: Vector['expect'], text: string | Uint8Array): Vector {
  return { name, expect, bundle: base64(text) };
}

export function base64(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64');
}

/** What a reader of the file turns a vector into. */
export function toSigners(
  facts: readonly SignerFacts[],
  keys: ReadonlyMap<string, Signer['key']>,
  vector: Vector,
  now: string,
): Signers {
  const signers = facts.map(({ publicKey, ...rest }): Signer => {
    const key = keys.get(publicKey);
    if (key === undefined) throw new Error(`no key for ${rest.name}`);
    return { ...rest, key };
  });
  return {
    byKeyId: new Map(signers.map((signer) => [signer.key.keyId, signer])),
    revokedBundles: new Map(Object.entries(vector.revokedBundles ?? {})),
    now: vector.now ?? now,
  };
}
