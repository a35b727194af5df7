/**
 * C2SP tlog-checkpoints: the signed head of a log's tree. Text has one form: origin, size, root hash, each a
 * line, and no extension lines, which nobody could audit.
 */
import type { TrustedLog } from '../schema/trust.ts';
import { fromBase64, toBase64 } from '../signing/base64.ts';
import { sameBytes } from '../signing/bytes.ts';
import { type PublicKey, parsePublicKey, type SigningKey } from '../signing/ed25519.ts';
import { emptyRoot, HASH_BYTES } from './hash.ts';
import { type NoteReason, openNote, signNote } from './note.ts';
import { MAX_TREE_SIZE, type TreeHead } from './tree.ts';

/** Which log, and the key it signs with. The origin is also the key's name. */
export interface LogKey {
  readonly origin: string;
  readonly key: PublicKey;
}

/** `null` when the key that is named is no Ed25519 key. */
export async function logKeyOf({ origin, publicKey }: TrustedLog): Promise<LogKey | null> {
  const key = await parsePublicKey(publicKey);
  return key === null ? null : { origin, key };
}

/** The other half of a {@link LogKey}. */
export interface LogSigner {
  readonly origin: string;
  readonly key: SigningKey;
}

export function publicHalf({ origin, key }: LogSigner): LogKey {
  return { origin, key: key.publicKey };
}

export type CheckpointReason = NoteReason | 'checkpoint_malformed' | 'origin_other';

export type OpenedCheckpoint =
  | { readonly ok: true; readonly head: TreeHead; readonly others: number }
  | { readonly ok: false; readonly reason: CheckpointReason; readonly message: string };

const LINES = /^([^\n]+)\n(0|[1-9][0-9]{0,14})\n([A-Za-z0-9+/]+={0,2})\n$/;

export function signCheckpoint({ size, root }: TreeHead, { origin, key }: LogSigner): Promise<string> {
  return signNote(`${origin}\n${size}\n${toBase64(root)}\n`, origin, key);
}

/** Who signed is decided first; what is not signed by that log is not read. */
export async function openCheckpoint(note: Uint8Array, { origin, key }: LogKey): Promise<OpenedCheckpoint> {
  const opened = await openNote(note, { name: origin, key });
  if (!opened.ok) return opened;
  const [, named = '', digits = '', hash = ''] = LINES.exec(opened.text) ?? [];
  const root = fromBase64(hash);
  const size = Number(digits);
  if (named === '' || root?.length !== HASH_BYTES || size > MAX_TREE_SIZE) {
    return refuse('checkpoint_malformed', 'it is not the text of a checkpoint');
  }
  if (named !== origin) return refuse('origin_other', `it is a checkpoint of another log than ${origin}`);
  if (size === 0 && !sameBytes(root, await emptyRoot())) {
    return refuse('checkpoint_malformed', 'an empty tree has another root');
  }
  return { ok: true, head: { size, root }, others: opened.others };
}

function refuse(reason: CheckpointReason, message: string): OpenedCheckpoint {
  return { ok: false, reason, message };
}
