/**
 * Offline verification of a bundle against a rule's files. Pure: no environment, clock, file or
 * network. The order of checks is fixed: size, shape, key, signature, and only then the payload is
 * parsed; what is handed on comes from the verified bytes. Any byte that differs is refused.
 */

import { sha256Hex } from '../rules/digest.ts';
import {
  type Bundle,
  bundleSchema,
  PAYLOAD_TYPE,
  type Statement,
  statementSchema,
} from '../schema/statement.ts';
import { fromBase64 } from './base64.ts';
import { encodeBundle } from './bundle.ts';
import { type PublicKey, verifySignature } from './ed25519.ts';
import { preAuthEncoding } from './envelope.ts';

/** A bundle lists every case and file; 200 cases of 200 files stay below this. */
export const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;

export type RefusalReason =
  | 'bundle_too_large'
  | 'bundle_not_json'
  | 'bundle_malformed'
  | 'bundle_not_canonical'
  | 'key_mismatch'
  | 'signature_invalid'
  | 'statement_malformed'
  | 'file_missing'
  | 'file_changed'
  | 'file_not_signed'
  | 'subject_twice';

export type Verification =
  | { readonly ok: true; readonly statement: Statement; readonly keyId: string }
  | { readonly ok: false; readonly reason: RefusalReason; readonly message: string };

/**
 * @param bundleBytes the bundle file as read
 * @param files every other file of the rule directory, exact bytes by rule-relative path
 */
export async function verifyRule(
  bundleBytes: Uint8Array,
  key: PublicKey,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Verification> {
  const opened = openBundle(bundleBytes, key);
  if (!opened.ok) return opened;
  const refusal = await compareFiles(opened.statement, files);
  return refusal ?? opened;
}

/** Checks the signature and returns the statement, without looking at any file. */
export function openBundle(bundleBytes: Uint8Array, key: PublicKey): Verification {
  if (bundleBytes.length > MAX_BUNDLE_BYTES)
    return refuse('bundle_too_large', `bundle is larger than ${MAX_BUNDLE_BYTES} bytes`);
  const json = parseJson(bundleBytes);
  if (json === undefined) return refuse('bundle_not_json', 'bundle is not JSON text');
  const parsed = bundleSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(
      'bundle_malformed',
      `bundle does not fit Sigstore bundle v0.3 at ${issue?.path.join('.') || 'top'}: ${issue?.message ?? ''}`,
    );
  }
  if (encodeBundle(parsed.data) !== decode(bundleBytes)) {
    return refuse('bundle_not_canonical', 'bundle is written in another way than it was signed in');
  }
  return openEnvelope(parsed.data, key);
}

function openEnvelope(bundle: Bundle, key: PublicKey): Verification {
  const { dsseEnvelope } = bundle;
  const [{ sig, keyid }] = dsseEnvelope.signatures;
  // Not a trust decision (the key is the caller's): it tells "wrong key" from "changed bytes".
  if (keyid !== key.keyId || bundle.verificationMaterial.publicKey.hint !== key.keyId) {
    return refuse('key_mismatch', `bundle was signed by key ${keyid}, not by ${key.keyId}`);
  }
  const payload = fromBase64(dsseEnvelope.payload);
  const signature = fromBase64(sig);
  if (payload === null || signature === null)
    return refuse('bundle_malformed', 'bundle holds base64 that is not canonical');
  if (!verifySignature(key, preAuthEncoding(PAYLOAD_TYPE, payload), signature)) {
    return refuse('signature_invalid', 'signature does not fit the statement');
  }
  const statement = statementSchema.safeParse(parseJson(payload));
  if (!statement.success)
    return refuse('statement_malformed', 'signed statement does not fit the predicate schema');
  return { ok: true, statement: statement.data, keyId: key.keyId };
}

async function compareFiles(
  statement: Statement,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Verification | null> {
  const signed = new Map(statement.subject.map((subject) => [subject.name, subject.digest.sha256]));
  if (signed.size !== statement.subject.length)
    return refuse('subject_twice', 'statement names a file twice');
  for (const [name, digest] of signed) {
    const bytes = files.get(name);
    if (bytes === undefined) return refuse('file_missing', `${name} is signed but not there`);
    if ((await sha256Hex(bytes)) !== digest)
      return refuse('file_changed', `${name} is not the file that was signed`);
  }
  for (const name of files.keys()) {
    if (!signed.has(name)) return refuse('file_not_signed', `${name} is there but was not signed`);
  }
  return null;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decode(bytes));
  } catch {
    return undefined;
  }
}

/** @throws TypeError when the bytes are not UTF-8 */
function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

function refuse(reason: RefusalReason, message: string): Verification {
  return { ok: false, reason, message };
}
