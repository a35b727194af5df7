/**
 * Who is trusted to sign: the trust root and the revocation list, and the envelope that carries either.
 * Shapes only; what else must hold, and in which order it is looked at, is in `src/signing/trust-root.ts`
 * and `revocations.ts`. Field order here is the order of the one text a document has.
 */
import { z } from 'zod';
import { base64, sha256 } from './encoding.ts';

export const TRUST_ROOT_TYPE = 'application/vnd.assay.trust-root+json';
export const REVOCATIONS_TYPE = 'application/vnd.assay.revocations+json';
export const TRUST_ROOT_FORMAT = 'assay-trust-root/v1';
export const REVOCATIONS_FORMAT = 'assay-revocations/v1';

/** Longer chains are started anew. */
export const MAX_ROOTS = 1_000;
const MAX_ROLE_KEYS = 64;

/** Base64 of SHA-256 over the SPKI. */
const keyId = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be base64 of 32 bytes');
/** Milliseconds always, so that a moment has one text. */
const moment = z.iso.datetime({ precision: 3 });
const sequence = z.int().min(1).max(1_000_000_000);

export const signerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, dots, dashes');
/** Shown to people wherever something is refused. */
export const revocationReason = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$/, 'must be one line of plain text');

/** DSSE in JSON with any number of signatures, ascending by key id. */
export const documentSchema = z.strictObject({
  payload: base64,
  payloadType: z.string().max(200),
  signatures: z.array(z.strictObject({ keyid: keyId, sig: base64 })).max(2 * MAX_ROLE_KEYS),
});
export type TrustDocument = z.infer<typeof documentSchema>;

const roleSchema = z.strictObject({
  keyIds: z.array(keyId).min(1).max(MAX_ROLE_KEYS),
  /** How many different keys of these have to sign. */
  threshold: z.int().min(1).max(MAX_ROLE_KEYS),
});
export type Role = z.infer<typeof roleSchema>;

export const trustedSigner = z.strictObject({
  name: signerName,
  keyId,
  /** SPKI, base64. */
  publicKey: base64,
  notBefore: moment,
  notAfter: moment.nullable(),
});
export type TrustedSigner = z.infer<typeof trustedSigner>;

export const trustedLog = z.strictObject({
  /** Name of the log, first line of its checkpoints. */
  origin: z
    .string()
    .max(255)
    .regex(/^[^\s+\p{C}]+$/u, 'must be a name without spaces and "+"'),
  publicKey: base64,
});
export type TrustedLog = z.infer<typeof trustedLog>;

export const trustRootSchema = z.strictObject({
  format: z.literal(TRUST_ROOT_FORMAT),
  sequence,
  issuedAt: moment,
  expiresAt: moment,
  roles: z.strictObject({ root: roleSchema, revocations: roleSchema }),
  /** Every key that signs documents: those of the roles, and those that leave and sign for the last time. */
  keys: z
    .array(z.strictObject({ keyId, publicKey: base64 }))
    .min(1)
    .max(4 * MAX_ROLE_KEYS),
  signers: z.array(trustedSigner).max(1_000),
  /** An older revocation list is no list: who cannot get a newer one trusts nothing. */
  revocationsMaxAgeDays: z.int().min(1).max(3_650),
  log: trustedLog.nullable(),
});
export type TrustRoot = z.infer<typeof trustRootSchema>;

export const revokedKey = z.strictObject({ keyId, at: moment, reason: revocationReason });
export const revokedBundle = z.strictObject({ sha256, at: moment, reason: revocationReason });

export const revocationsSchema = z.strictObject({
  format: z.literal(REVOCATIONS_FORMAT),
  sequence,
  issuedAt: moment,
  keys: z.array(revokedKey).max(1_000),
  bundles: z.array(revokedBundle).max(20_000),
});
export type Revocations = z.infer<typeof revocationsSchema>;

/** What a service publishes: every root, the first one first, and the newest revocation list. */
export const publishedTrust = z.strictObject({
  roots: z.array(documentSchema).min(1).max(MAX_ROOTS),
  revocations: documentSchema,
});
export type PublishedTrust = z.infer<typeof publishedTrust>;

/** Answer of `PUT /v1/keys/trust`: numbers of the documents that are served from now on. */
export const trustPublished = z.object({ ok: z.literal(true), root: z.int(), revocations: z.int() });
