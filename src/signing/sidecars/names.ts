/** Names of the export formats by what each needs; part of the interface. Kept apart so that naming them loads nothing. */

/** The bundle is enough. */
export const BARE_FORMATS = ['dsse', 'intoto'] as const;
/** The bundle's own signature, beside the key it is by. */
export const KEYED_FORMATS = ['openssl', 'webcrypto', 'signify'] as const;
/** A signature of their own, which only the holder of the key can make. */
export const SIGNED_FORMATS = ['minisign', 'ssh'] as const;
export const FORMATS = [...BARE_FORMATS, ...KEYED_FORMATS, ...SIGNED_FORMATS] as const;

export type BareFormat = (typeof BARE_FORMATS)[number];
export type KeyedFormat = (typeof KEYED_FORMATS)[number];
export type SignedFormat = (typeof SIGNED_FORMATS)[number];
export type Format = (typeof FORMATS)[number];

export function isBare(format: Format): format is BareFormat {
  return BARE_FORMATS.some((one) => one === format);
}

export function isKeyed(format: Format): format is KeyedFormat {
  return KEYED_FORMATS.some((one) => one === format);
}
