/**
 * Trust documents as signed text: a DSSE envelope with several signatures around one JSON payload. Both
 * have exactly one text (as a bundle has, ADR 0005), and a signature that does not hold spoils the whole
 * document, so that no byte of a file is free to change. Pure; decides nothing about who may sign.
 */
import { z } from 'zod';
import { sha256Hex } from '../rules/digest.ts';
import { documentSchema, type Role, type TrustDocument } from '../schema/trust.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { decodeUtf8, parseJson } from './bytes.ts';
import { type PublicKey, type SigningKey, verifySignature } from './ed25519.ts';
import { preAuthEncoding } from './envelope.ts';

export const TRUST_REASONS = [
  'trust_root_missing',
  'trust_root_too_large',
  'trust_root_not_json',
  'trust_root_version_unknown',
  'trust_root_malformed',
  'trust_root_not_canonical',
  'trust_root_signature_invalid',
  'trust_root_threshold',
  'trust_root_future',
  'trust_root_expired',
  'trust_root_chain',
  'trust_root_forked',
  'trust_root_rollback',
  'revocations_missing',
  'revocations_too_large',
  'revocations_not_json',
  'revocations_version_unknown',
  'revocations_malformed',
  'revocations_not_canonical',
  'revocations_signature_invalid',
  'revocations_threshold',
  'revocations_future',
  'revocations_stale',
  'revocations_forked',
  'revocations_rollback',
  'revocations_entry_lost',
] as const;
export type TrustReason = (typeof TRUST_REASONS)[number];

export interface Distrusted {
  readonly ok: false;
  readonly reason: TrustReason;
  readonly message: string;
}

/** How far the clock of whoever issued a document may be ahead of ours. */
export const MAX_ISSUER_SKEW_MS = 5 * 60_000;

/** What sets the two kinds of documents apart. */
export interface DocumentKind<T> {
  readonly name: 'trust_root' | 'revocations';
  /** For messages. */
  readonly noun: string;
  readonly payloadType: string;
  readonly format: string;
  readonly schema: z.ZodType<T>;
  readonly maxBytes: number;
}

/** What is asked of either kind before its payload is read. */
export type AnyKind = Omit<DocumentKind<unknown>, 'schema'>;

export interface Envelope {
  readonly ok: true;
  readonly payload: Uint8Array;
  readonly signatures: TrustDocument['signatures'];
  /** Of the whole file, lower-case hex. */
  readonly sha256: string;
}

/** Size, JSON, kind, shape and canonical text, in this order. No signature is looked at. */
export async function readEnvelope(kind: AnyKind, bytes: Uint8Array): Promise<Envelope | Distrusted> {
  if (bytes.length > kind.maxBytes) {
    return distrust(kind, 'too_large', `is larger than ${kind.maxBytes} bytes`);
  }
  const text = decodeUtf8(bytes);
  const json = parseJson(text);
  if (json === undefined) return distrust(kind, 'not_json', 'is not JSON text');
  const parsed = documentSchema.safeParse(json);
  if (!parsed.success) return distrust(kind, 'malformed', misfit(parsed.error));
  if (parsed.data.payloadType !== kind.payloadType) {
    return distrust(kind, 'version_unknown', `is of another kind or version (${parsed.data.payloadType})`);
  }
  if (encodeDocument(parsed.data) !== text) {
    return distrust(kind, 'not_canonical', 'is written in another way than it was signed in');
  }
  const payload = fromBase64(parsed.data.payload);
  if (payload === null) return distrust(kind, 'malformed', 'holds base64 that is not canonical');
  const { signatures } = parsed.data;
  if (signatures.some(({ keyid }, at) => at > 0 && keyid <= (signatures[at - 1]?.keyid ?? ''))) {
    return distrust(kind, 'malformed', 'has signatures that are not in order, or two by one key');
  }
  return { ok: true, payload, signatures, sha256: await sha256Hex(bytes) };
}

/** The payload as a value: version, shape and canonical text. */
export function readPayload<T>(
  kind: DocumentKind<T>,
  payload: Uint8Array,
): { readonly ok: true; readonly body: T } | Distrusted {
  const text = decodeUtf8(payload);
  const json = parseJson(text);
  if (json === undefined) return distrust(kind, 'malformed', 'carries a payload that is not JSON text');
  const format = z.object({ format: z.string() }).safeParse(json);
  if (format.success && format.data.format !== kind.format) {
    return distrust(kind, 'version_unknown', `is of another version (${format.data.format.slice(0, 100)})`);
  }
  const parsed = kind.schema.safeParse(json);
  if (!parsed.success) return distrust(kind, 'malformed', misfit(parsed.error));
  if (JSON.stringify(parsed.data) !== text) {
    return distrust(kind, 'not_canonical', 'carries a payload in another text than the canonical one');
  }
  return { ok: true, body: parsed.data };
}

/** Who signed. Every signature must hold, and be by one of `keys`, given by key id. */
export async function signedBy(
  kind: AnyKind,
  envelope: Pick<Envelope, 'payload' | 'signatures'>,
  keys: ReadonlyMap<string, PublicKey>,
): Promise<ReadonlySet<string> | Distrusted> {
  const message = preAuthEncoding(kind.payloadType, envelope.payload);
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.get(keyid);
    const signature = fromBase64(sig);
    if (key === undefined) {
      return distrust(kind, 'signature_invalid', `is signed by key ${keyid}, which has no part in it`);
    }
    if (signature === null || !(await verifySignature(key, message, signature))) {
      return distrust(kind, 'signature_invalid', `has a signature by key ${keyid} that does not hold`);
    }
  }
  return new Set(envelope.signatures.map(({ keyid }) => keyid));
}

/** How many of a role's keys still have to sign; 0 when there are enough. */
export function missing(role: Role, signers: ReadonlySet<string>): number {
  const count = new Set(role.keyIds.filter((id) => signers.has(id))).size;
  return Math.max(0, role.threshold - count);
}

/** The one text a document has. */
export function encodeDocument(document: TrustDocument): string {
  const { payload, payloadType, signatures } = document;
  const ordered = signatures.map(({ keyid, sig }) => ({ keyid, sig }));
  return `${JSON.stringify({ payload, payloadType, signatures: ordered }, null, 2)}\n`;
}

/** @returns the file; no signature yet when `signers` is empty */
export function signDocument<T>(kind: DocumentKind<T>, body: T, signers: Iterable<SigningKey>): Uint8Array {
  const payload = new TextEncoder().encode(JSON.stringify(kind.schema.parse(body)));
  return addSignatures(kind, { payload, signatures: [] }, signers);
}

/** The same document with more signatures; one that is there stays. */
export function addSignatures(
  kind: AnyKind,
  { payload, signatures }: Pick<Envelope, 'payload' | 'signatures'>,
  signers: Iterable<SigningKey>,
): Uint8Array {
  const message = preAuthEncoding(kind.payloadType, payload);
  const byKey = new Map(signatures.map(({ keyid, sig }) => [keyid, sig]));
  for (const signer of signers) {
    const { keyId } = signer.publicKey;
    if (!byKey.has(keyId)) byKey.set(keyId, toBase64(signer.sign(message)));
  }
  const ordered = [...byKey]
    .map(([keyid, sig]) => ({ keyid, sig }))
    .sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  const document = { payload: toBase64(payload), payloadType: kind.payloadType, signatures: ordered };
  return new TextEncoder().encode(encodeDocument(document));
}

/** What can be wrong with either kind. */
type Defect =
  | 'too_large'
  | 'not_json'
  | 'version_unknown'
  | 'malformed'
  | 'not_canonical'
  | 'signature_invalid'
  | 'threshold'
  | 'future'
  | 'forked'
  | 'rollback';

export function distrust({ name, noun }: AnyKind, defect: Defect, message: string): Distrusted {
  return distrusted(`${name}_${defect}`, `the ${noun} ${message}`);
}

export function distrusted(reason: TrustReason, message: string): Distrusted {
  return { ok: false, reason, message };
}

function misfit(error: z.ZodError): string {
  const [issue] = error.issues;
  return `does not fit at ${issue?.path.join('.') || 'top'}: ${issue?.message}`;
}
