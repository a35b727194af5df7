/**
 * Offline verification of a bundle against a rule's files. Pure: no environment, clock, file or
 * network. The order of checks is fixed and is that of `docs/spec/bundle.md`: size, shape, key, signature,
 * and only then the payload is parsed; what is handed on comes from the verified bytes. Any byte that
 * differs is refused. Whether evidence is enough is not decided here, but in `policy.ts`.
 */
import { sha256Hex } from '../rules/digest.ts';
import {
  BUNDLE_MEDIA_TYPE,
  type Bundle,
  bundleSchema,
  PAYLOAD_TYPE,
  PREDICATE_TYPE,
  type Statement,
  statementSchema,
} from '../schema/statement.ts';
import { fromBase64 } from './base64.ts';
import { encodeBundle } from './bundle.ts';
import { decodeUtf8, parseJson } from './bytes.ts';
import { verifySignature } from './ed25519.ts';
import { preAuthEncoding } from './envelope.ts';
import type { Signer, Signers } from './signers.ts';

/** A bundle lists every case and file; 200 cases of 200 files stay below this. */
export const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
/** How far the signer's clock may be ahead of ours. */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;

export const REFUSAL_REASONS = [
  'bundle_too_large',
  'bundle_not_json',
  'bundle_version_unknown',
  'bundle_malformed',
  'bundle_not_canonical',
  'signatures_not_one',
  'key_unknown',
  'key_revoked',
  'signature_invalid',
  'statement_malformed',
  'predicate_unknown',
  'signed_in_future',
  'key_not_yet_valid',
  'key_expired',
  'bundle_revoked',
  'subject_twice',
  'file_missing',
  'file_changed',
  'file_not_signed',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** Reasons that say nothing about the rule: what was given cannot be judged here, or not yet. */
const UNREADABLE: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'bundle_too_large',
  'bundle_not_json',
  'bundle_version_unknown',
  'bundle_malformed',
  'signatures_not_one',
  'statement_malformed',
  'predicate_unknown',
  'signed_in_future',
]);

export function isUnreadable(reason: RefusalReason): boolean {
  return UNREADABLE.has(reason);
}

export interface Refused {
  readonly ok: false;
  readonly reason: RefusalReason;
  readonly message: string;
}

export interface Opened {
  readonly ok: true;
  readonly statement: Statement;
  readonly signer: Signer;
  /** SHA-256 of the bundle file, lower-case hex: what a revocation, a log and a report name it by. */
  readonly bundleSha256: string;
}

export interface Verified extends Opened {
  /** Exactly the bytes that were compared, by path: what a caller runs, instead of reading files again. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * @param bundleBytes the bundle file as read
 * @param files every other file of the rule directory, exact bytes by rule-relative path
 */
export async function verifyRule(
  bundleBytes: Uint8Array,
  signers: Signers,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Verified | Refused> {
  const opened = await openBundle(bundleBytes, signers);
  if (!opened.ok) return opened;
  // Not slice(): that of a Node Buffer is a view of the caller's memory.
  const own = new Map([...files].map(([path, bytes]) => [path, new Uint8Array(bytes)]));
  return (await compareFiles(opened.statement, own)) ?? { ...opened, files: own };
}

/** Checks everything but the files, and returns the statement. */
export async function openBundle(bundleBytes: Uint8Array, signers: Signers): Promise<Opened | Refused> {
  const bundle = parseBundle(bundleBytes);
  if ('reason' in bundle) return bundle;
  const opened = await openEnvelope(bundle, signers);
  if ('reason' in opened) return opened;
  const bundleSha256 = await sha256Hex(bundleBytes);
  const revoked = signers.revokedBundles.get(bundleSha256);
  if (revoked !== undefined) return refuse('bundle_revoked', `this rule was revoked: ${revoked}`);
  return { ok: true, ...opened, bundleSha256 };
}

function parseBundle(bytes: Uint8Array): Bundle | Refused {
  if (bytes.length > MAX_BUNDLE_BYTES) {
    return refuse('bundle_too_large', `bundle is larger than ${MAX_BUNDLE_BYTES} bytes`);
  }
  const text = decodeUtf8(bytes);
  const json = parseJson(text);
  if (json === undefined) return refuse('bundle_not_json', 'bundle is not JSON text');
  const parsed = bundleSchema.safeParse(json);
  if (!parsed.success) return misfit(json, parsed.error.issues[0]);
  if (encodeBundle(parsed.data) !== text) {
    return refuse('bundle_not_canonical', 'bundle is written in another way than it was signed in');
  }
  return parsed.data;
}

/** The misfits that people meet have reasons of their own. */
function misfit(json: unknown, issue: { path: PropertyKey[]; message: string } | undefined): Refused {
  const { mediaType, dsseEnvelope } = fields(json);
  if (mediaType !== BUNDLE_MEDIA_TYPE) {
    const text = typeof mediaType === 'string' ? mediaType.slice(0, 100) : 'no media type';
    return refuse('bundle_version_unknown', `bundle is of another version or kind (${text})`);
  }
  const { signatures } = fields(dsseEnvelope);
  if (Array.isArray(signatures) && signatures.length !== 1) {
    return refuse('signatures_not_one', `bundle has ${signatures.length} signatures, and must have one`);
  }
  const where = issue?.path.join('.') || 'top';
  return refuse(
    'bundle_malformed',
    `bundle does not fit Sigstore bundle v0.3 at ${where}: ${issue?.message}`,
  );
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

async function openEnvelope(
  { dsseEnvelope, verificationMaterial }: Bundle,
  signers: Signers,
): Promise<{ statement: Statement; signer: Signer } | Refused> {
  const [{ sig, keyid }] = dsseEnvelope.signatures;
  const { hint } = verificationMaterial.publicKey;
  if (hint !== keyid) return refuse('bundle_malformed', 'bundle names two different keys');
  const signer = signers.byKeyId.get(keyid);
  if (signer === undefined) return refuse('key_unknown', `signed by key ${keyid}, which is not trusted here`);
  const payload = fromBase64(dsseEnvelope.payload);
  const signature = fromBase64(sig);
  if (payload === null || signature === null) {
    return refuse('bundle_malformed', 'bundle holds base64 that is not canonical');
  }
  if (!(await verifySignature(signer.key, preAuthEncoding(PAYLOAD_TYPE, payload), signature))) {
    return refuse('signature_invalid', 'signature does not fit the statement');
  }
  if (signer.revoked !== null) {
    return refuse('key_revoked', `key ${signer.name} was revoked: ${signer.revoked}`);
  }
  const statement = parseStatement(payload);
  if ('reason' in statement) return statement;
  return outOfTime(statement.predicate.signedAt, signer, signers.now) ?? { statement, signer };
}

function parseStatement(payload: Uint8Array): Statement | Refused {
  const json = parseJson(decodeUtf8(payload));
  const { predicateType } = fields(json);
  if (typeof predicateType === 'string' && predicateType !== PREDICATE_TYPE) {
    return refuse(
      'predicate_unknown',
      `it states ${predicateType.slice(0, 200)}, which is no verified rule v1`,
    );
  }
  const parsed = statementSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') || 'top';
  return refuse('statement_malformed', `signed statement does not fit at ${where}: ${issue?.message}`);
}

function outOfTime(
  signedAt: string,
  { name, notBefore, notAfter }: Signer,
  now: string | null,
): Refused | null {
  const at = Date.parse(signedAt);
  if (now !== null && at > Date.parse(now) + MAX_CLOCK_SKEW_MS) {
    return refuse('signed_in_future', `signed at ${signedAt}, which is later than now (${now})`);
  }
  if (notBefore !== null && at < Date.parse(notBefore)) {
    return refuse('key_not_yet_valid', `signed at ${signedAt}; key ${name} counts from ${notBefore}`);
  }
  if (notAfter !== null && at > Date.parse(notAfter)) {
    return refuse('key_expired', `signed at ${signedAt}; key ${name} counted until ${notAfter}`);
  }
  return null;
}

async function compareFiles(
  statement: Statement,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Refused | null> {
  const signed = new Map(statement.subject.map((subject) => [subject.name, subject.digest.sha256]));
  if (signed.size !== statement.subject.length) {
    return refuse('subject_twice', 'statement names a file twice');
  }
  for (const [name, digest] of signed) {
    const bytes = files.get(name);
    if (bytes === undefined) return refuse('file_missing', `${name} is signed but not there`);
    if ((await sha256Hex(bytes)) !== digest) {
      return refuse('file_changed', `${name} is not the file that was signed`);
    }
  }
  for (const name of files.keys()) {
    if (!signed.has(name)) return refuse('file_not_signed', `${name} is there but was not signed`);
  }
  return null;
}

function refuse(reason: RefusalReason, message: string): Refused {
  return { ok: false, reason, message };
}
