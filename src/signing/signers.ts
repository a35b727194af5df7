/**
 * Whose signatures count at one moment: keys with their windows, what was revoked, and what time it is.
 * Plain values, made from a trust root (`trust.ts`) or from one key somebody hands over.
 */
import type { PublicKey } from './ed25519.ts';

export interface Signer {
  readonly key: PublicKey;
  /** What the trust root calls it; for people. */
  readonly name: string;
  /** ISO 8601; a statement signed before or after does not count. `null`: no bound. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** Set when nothing it ever signed counts any more, with why. */
  readonly revoked: string | null;
}

export interface Signers {
  /** By key id: base64 of SHA-256 over the SPKI. */
  readonly byKeyId: ReadonlyMap<string, Signer>;
  /** Why a bundle was revoked, by SHA-256 of the bundle file, lower-case hex. */
  readonly revokedBundles: ReadonlyMap<string, string>;
  /** The moment of the decision, ISO 8601; `null` when no clock is at hand, and then none is asked. */
  readonly now: string | null;
}

/** One key, trusted without bounds: what `--key` and a service's look at its own signature mean. */
export function onlySigner(key: PublicKey): Signers {
  const signer: Signer = { key, name: key.keyId, notBefore: null, notAfter: null, revoked: null };
  return { byKeyId: new Map([[key.keyId, signer]]), revokedBundles: new Map(), now: null };
}
