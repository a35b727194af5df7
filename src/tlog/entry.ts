/** What the log holds of a bundle: its digest, and nothing that tells whose it is or what it says. */

const KIND = 'assay-bundle/v1';
const ENTRY = new RegExp(`^${KIND}\n([0-9a-f]{64})\n$`);
const DIGEST = /^[0-9a-f]{64}$/;

export function isBundleDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** @param bundleSha256 of the bundle file, lower-case hex */
export function encodeEntry(bundleSha256: string): Uint8Array {
  if (!isBundleDigest(bundleSha256)) throw new RangeError('a bundle digest is 64 lower-case hex digits');
  return new TextEncoder().encode(`${KIND}\n${bundleSha256}\n`);
}

/** The digest in an entry; `null` when it is no entry of this kind. */
export function parseEntry(entry: Uint8Array): string | null {
  return ENTRY.exec(new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(entry))?.[1] ?? null;
}
