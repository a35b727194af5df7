/**
 * C2SP tlog-proofs: that a bundle is in the log, checked offline. One proof has one text: no extra data, one
 * signature, the log's own. Any byte that differs is refused. A proof says that the log has shown the bundle's
 * digest to whoever watches it; it does not say that the bundle is good.
 */
import { fromBase64, toBase64 } from '../signing/base64.ts';
import { decodeUtf8 } from '../signing/bytes.ts';
import { type CheckpointReason, type LogKey, openCheckpoint } from './checkpoint.ts';
import { encodeEntry, isBundleDigest } from './entry.ts';
import { HASH_BYTES, leafHash } from './hash.ts';
import { MAX_TREE_SIZE, verifyInclusion } from './tree.ts';

/** 48 hashes of 45 characters, and a checkpoint of four lines, with room to spare. */
export const MAX_PROOF_BYTES = 8 * 1024;
const FORMAT = 'c2sp.org/tlog-proof@v1';
const HASH_LINE = '[A-Za-z0-9+/]{43}=\n';
const PROOF = new RegExp(
  `^${FORMAT.replaceAll('.', '\\.')}\nindex (0|[1-9][0-9]{0,14})\n((?:${HASH_LINE}){0,48})\n([^]+)$`,
);

export interface LogProof {
  readonly index: number;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Uint8Array[];
  /** The signed note, exactly. */
  readonly checkpoint: string;
}

export const PROOF_REASONS = [
  'proof_too_large',
  'proof_malformed',
  'note_too_large',
  'note_malformed',
  'signer_unknown',
  'signature_invalid',
  'checkpoint_malformed',
  'origin_other',
  'signatures_not_one',
  'not_included',
] as const satisfies readonly (CheckpointReason | string)[];
export type ProofReason = (typeof PROOF_REASONS)[number];

/** Reasons that say nothing about the bundle: what was given is no proof that can be judged here. */
const UNREADABLE: ReadonlySet<ProofReason> = new Set<ProofReason>([
  'proof_too_large',
  'proof_malformed',
  'note_too_large',
  'note_malformed',
  'checkpoint_malformed',
  'signatures_not_one',
]);

export function isUnreadableProof(reason: ProofReason): boolean {
  return UNREADABLE.has(reason);
}

export type ProofAnswer =
  | { readonly ok: true; readonly index: number; readonly size: number }
  | { readonly ok: false; readonly reason: ProofReason; readonly message: string };

export function encodeProof({ index, hashes, checkpoint }: LogProof): string {
  const lines = hashes.map((hash) => `${toBase64(hash)}\n`).join('');
  return `${FORMAT}\nindex ${index}\n${lines}\n${checkpoint}`;
}

/**
 * @param proofBytes the proof file as read
 * @param bundleSha256 of the bundle file, lower-case hex
 * @param logKey of the one log whose word counts
 */
export async function verifyProof(
  proofBytes: Uint8Array,
  bundleSha256: string,
  logKey: LogKey,
): Promise<ProofAnswer> {
  if (proofBytes.length > MAX_PROOF_BYTES) {
    return refuse('proof_too_large', `the proof is larger than ${MAX_PROOF_BYTES} bytes`);
  }
  const proof = parseProof(proofBytes);
  if (proof === null) return refuse('proof_malformed', 'the proof is not a tlog-proof v1 in its one form');
  const opened = await openCheckpoint(new TextEncoder().encode(proof.checkpoint), logKey);
  if (!opened.ok) return refuse(opened.reason, `the checkpoint in the proof: ${opened.message}`);
  if (opened.others > 0) {
    return refuse('signatures_not_one', 'the checkpoint in the proof has more than the signature of its log');
  }
  const included =
    isBundleDigest(bundleSha256) &&
    (await verifyInclusion(
      await leafHash(encodeEntry(bundleSha256)),
      proof.index,
      opened.head,
      proof.hashes,
    ));
  if (!included) return refuse('not_included', 'the proof does not show that this bundle is in the log');
  return { ok: true, index: proof.index, size: opened.head.size };
}

function parseProof(bytes: Uint8Array): LogProof | null {
  const [, digits = '', lines = '', checkpoint = ''] = PROOF.exec(decodeUtf8(bytes) ?? '') ?? [];
  const hashes = lines.split('\n').slice(0, -1).map(fromBase64);
  const whole = hashes.filter((hash) => hash?.length === HASH_BYTES) as Uint8Array[];
  const index = Number(digits);
  if (digits === '' || whole.length !== hashes.length || index > MAX_TREE_SIZE) return null;
  return { index, hashes: whole, checkpoint };
}

function refuse(reason: ProofReason, message: string): ProofAnswer {
  return { ok: false, reason, message };
}
