/**
 * C2SP signed notes with Ed25519 (type 0x01): text, a blank line, signature lines. As that format demands,
 * signatures of keys nobody knows are passed over; one of the known key has to be there, once, and good. The
 * text is handed on only then.
 */
import { fromBase64, toBase64 } from '../signing/base64.ts';
import { decodeUtf8, joinBytes, sameBytes } from '../signing/bytes.ts';
import {
  type PublicKey,
  parsePublicKey,
  publicKeyPem,
  type SigningKey,
  verifySignature,
} from '../signing/ed25519.ts';
import { HASH_BYTES, sha256 } from './hash.ts';

/** Sixteen signatures have to be taken, and one may have nearly 5 kB. */
export const MAX_NOTE_BYTES = 128 * 1024;
export const MAX_SIGNATURES = 16;
const ED25519 = 0x01;
const KEY_ID_BYTES = 4;
/** Keeps a key name within one line of a terminal and a file. */
const NAME = /^[^\p{White_Space}\p{C}+]{1,255}$/u;
const SIGNATURE_LINE = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/;
const VKEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})\n?$/;

/** Who may sign: a name, which is a log's origin, and its key. */
export interface NoteKey {
  readonly name: string;
  readonly key: PublicKey;
}

export type NoteReason = 'note_too_large' | 'note_malformed' | 'signer_unknown' | 'signature_invalid';

export type OpenedNote =
  | {
      readonly ok: true;
      /** What was signed, its last newline included. */
      readonly text: string;
      /** How many other signatures it carries, by keys that are not known here. */
      readonly others: number;
    }
  | { readonly ok: false; readonly reason: NoteReason; readonly message: string };

export function isKeyName(name: string): boolean {
  return NAME.test(name);
}

/** The same text, key and name give the same note. */
export async function signNote(text: string, name: string, key: SigningKey): Promise<string> {
  if (!isKeyName(name) || !text.endsWith('\n')) throw new RangeError('not a text or name that can be signed');
  const signature = key.sign(new TextEncoder().encode(text));
  const id = await keyId(name, key.publicKey.bytes);
  return `${text}\n\u2014 ${name} ${toBase64(joinBytes(id, signature))}\n`;
}

export async function openNote(note: Uint8Array, { name, key }: NoteKey): Promise<OpenedNote> {
  if (note.length > MAX_NOTE_BYTES) {
    return refuse('note_too_large', `it is larger than ${MAX_NOTE_BYTES} bytes`);
  }
  const parts = parseNote(note);
  if (parts === null) return refuse('note_malformed', 'it is not a signed note');
  const id = await keyId(name, key.bytes);
  const own = parts.signatures.filter(
    (one) => one.name === name && sameBytes(one.bytes.slice(0, KEY_ID_BYTES), id),
  );
  const [signature] = own;
  if (signature === undefined)
    return refuse('signer_unknown', `it is not signed by the known key of ${name}`);
  if (own.length > 1) return refuse('note_malformed', `it is signed by ${name} more than once`);
  const good = await verifySignature(
    key,
    new TextEncoder().encode(parts.text),
    signature.bytes.slice(KEY_ID_BYTES),
  );
  if (!good) return refuse('signature_invalid', `the signature of ${name} does not fit the text`);
  return { ok: true, text: parts.text, others: parts.signatures.length - 1 };
}

/** A key as one line, for example `example.com/log+530d903a+AekyeR…`, without a newline. */
export async function encodeVkey({ name, key }: NoteKey): Promise<string> {
  return `${name}+${await hexKeyId(name, key.bytes)}+${toBase64(joinBytes(Uint8Array.of(ED25519), key.bytes))}`;
}

/** `null` unless it is an Ed25519 key under its own id; a last newline may follow. */
export async function parseVkey(text: string): Promise<NoteKey | null> {
  const [, name = '', id = '', material = ''] = VKEY.exec(text) ?? [];
  const [type, ...rest] = fromBase64(material) ?? [];
  if (!isKeyName(name) || type !== ED25519 || rest.length !== HASH_BYTES) return null;
  const bytes = Uint8Array.from(rest);
  const key = await parsePublicKey(publicKeyPem({ bytes, keyId: '' }));
  return key !== null && id === (await hexKeyId(name, bytes)) ? { name, key } : null;
}

/** SHA-256 of name, newline, type and key, its first four bytes. Short on purpose: it only finds a key. */
async function keyId(name: string, key: Uint8Array): Promise<Uint8Array> {
  const head = new TextEncoder().encode(`${name}\n`);
  return (await sha256(head, Uint8Array.of(ED25519), key)).slice(0, KEY_ID_BYTES);
}

async function hexKeyId(name: string, key: Uint8Array): Promise<string> {
  return Array.from(await keyId(name, key), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

interface NoteParts {
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

function parseNote(note: Uint8Array): NoteParts | null {
  const all = decodeText(note);
  const end = all?.lastIndexOf('\n\n') ?? -1;
  if (all === null || end < 1 || !all.endsWith('\n')) return null;
  const lines = all.slice(end + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return null;
  const signatures = lines.map((line) => {
    const [, name = '', text = ''] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = fromBase64(text);
    return bytes !== null && bytes.length > KEY_ID_BYTES && isKeyName(name) ? { name, bytes } : null;
  });
  const good = signatures.filter((one) => one !== null);
  return good.length === lines.length ? { text: all.slice(0, end + 1), signatures: good } : null;
}

/** `null` for what is not UTF-8 or has control characters other than newline. */
function decodeText(bytes: Uint8Array): string | null {
  const text = decodeUtf8(bytes);
  return text === null || /[\u0000-\u0009\u000b-\u001f]/.test(text) ? null : text;
}

function refuse(reason: NoteReason, message: string): OpenedNote {
  return { ok: false, reason, message };
}
