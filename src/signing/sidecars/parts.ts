/**
 * What other tools' files are made from: the parts of one bundle, as exact bytes. Says only that the bundle
 * is well formed; whether its signature is good and its signer trusted is the caller's to decide first.
 */
import { sha256Hex } from '../../rules/digest.ts';
import { bundleSchema, PAYLOAD_TYPE, statementSchema } from '../../schema/statement.ts';
import { fromBase64 } from '../base64.ts';
import { decodeUtf8, joinBytes, parseJson } from '../bytes.ts';
import type { PublicKey } from '../ed25519.ts';
import { preAuthEncoding } from '../envelope.ts';
import type { Signers } from '../signers.ts';
import { openBundle, type Refused } from '../verify.ts';

export interface Parts {
  readonly ok: true;
  /** The bundle file. */
  readonly bundle: Uint8Array;
  /** SHA-256 of the bundle file, lower-case hex. */
  readonly bundleSha256: string;
  /** The DSSE envelope as compact JSON, without a final LF. */
  readonly envelope: string;
  /** The statement's bytes, as signed. */
  readonly payload: Uint8Array;
  /** What the signature in the bundle is over. */
  readonly pae: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  readonly keyId: string;
  readonly generationId: string;
  readonly subjects: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
}

/** Files of one format, and how their tool is asked about them in the folder they lie in. */
export interface Sidecar {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly commands: readonly string[];
}

/** Nobody is trusted: a bundle that is well formed ends as `key_unknown`. */
const NOBODY: Signers = { byKeyId: new Map(), revokedBundles: new Map(), now: null };

export async function partsOf(bundle: Uint8Array): Promise<Parts | Refused> {
  const opened = await openBundle(bundle, NOBODY);
  if (opened.ok || opened.reason !== 'key_unknown') return opened as Refused;
  const { dsseEnvelope } = bundleSchema.parse(JSON.parse(new TextDecoder().decode(bundle)));
  const [{ sig, keyid }] = dsseEnvelope.signatures;
  const payload = fromBase64(dsseEnvelope.payload);
  const signature = fromBase64(sig);
  if (payload === null || signature?.length !== 64) {
    return malformed(
      'bundle_malformed',
      'bundle holds base64 that is not canonical, or no Ed25519 signature',
    );
  }
  const statement = statementSchema.safeParse(parseJson(decodeUtf8(payload)));
  if (!statement.success) return malformed('statement_malformed', 'signed statement does not fit the schema');
  return {
    ok: true,
    bundle,
    bundleSha256: await sha256Hex(bundle),
    envelope: JSON.stringify(dsseEnvelope),
    payload,
    pae: preAuthEncoding(PAYLOAD_TYPE, payload),
    signature,
    keyId: keyid,
    generationId: statement.data.predicate.generation.id,
    subjects: statement.data.subject,
  };
}

/** Eight bytes by which minisign and signify match a signature with a key; not a secret, not authenticated. */
export function keyNumber({ keyId }: Pick<PublicKey, 'keyId'>): Uint8Array {
  const digest = fromBase64(keyId);
  if (digest === null || digest.length < 8) throw new RangeError('key id is no digest');
  return digest.slice(0, 8);
}

/** `RW…`-style blob of minisign and signify: algorithm, key number, then key or signature. */
export function tagged(algorithm: string, number: Uint8Array, body: Uint8Array): Uint8Array {
  return joinBytes(new TextEncoder().encode(algorithm), number, body);
}

function malformed(reason: Refused['reason'], message: string): Refused {
  return { ok: false, reason, message };
}
