/** Signed notes and checkpoints: signatures by node:crypto stand for any other implementation. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { privateKeyPem, publicKeyPem } from '../../../src/signing/ed25519.ts';
import { openCheckpoint, signCheckpoint } from '../../../src/tlog/checkpoint.ts';
import { encodeVkey, MAX_NOTE_BYTES, openNote, parseVkey, signNote } from '../../../src/tlog/note.ts';
import { logSigner, memoryLog } from '../../support/tlog.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const { signer, logKey } = await logSigner();
const noteKey = { name: logKey.origin, key: logKey.key };
const other = await logSigner(6, 'witness.example/w');
const text = 'line one\n\nline two\n';
const note = await signNote(text, signer.origin, signer.key);
const otherLine = (await signNote(text, other.signer.origin, other.signer.key)).slice(text.length + 1);

/** A note as written by a program that shares nothing with ours but the format. */
function foreignNote(body: string, name: string, seed: number): { note: string; vkey: string } {
  const key = createPrivateKey(privateKeyPem(new Uint8Array(32).fill(seed)));
  const raw = rawPublic(key);
  const id = createHash('sha256')
    .update(`${name}\n`)
    .update(Uint8Array.of(1))
    .update(raw)
    .digest()
    .subarray(0, 4);
  const signature = Buffer.concat([id, sign(null, Buffer.from(body), key)]).toString('base64');
  const material = Buffer.concat([Uint8Array.of(1), raw]).toString('base64');
  return {
    note: `${body}\n\u2014 ${name} ${signature}\n`,
    vkey: `${name}+${id.toString('hex')}+${material}`,
  };
}

function rawPublic(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32) as Buffer;
}

test('ours is what another program writes, byte for byte', async () => {
  const foreign = foreignNote(text, signer.origin, 5);
  expect(note).toBe(foreign.note);
  expect(await encodeVkey(noteKey)).toBe(foreign.vkey);
  expect(await parseVkey(foreign.vkey)).toEqual(noteKey);
  const signature = Buffer.from(note.trim().split(' ').at(-1) ?? '', 'base64').subarray(4);
  expect(verify(null, Buffer.from(text), createPublicKey(publicKeyPem(logKey.key)), signature)).toBe(true);
});

test('the key id of a known key', async () => {
  const key = {
    name: 'example.com/log',
    key: { bytes: Uint8Array.from({ length: 32 }, (_, n) => n), keyId: '' },
  };
  expect(await encodeVkey(key)).toBe('example.com/log+a06c8792+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f');
});

test('the text comes back, also with blank lines in it', async () => {
  expect(await openNote(bytesOf(note), noteKey)).toEqual({ ok: true, text, others: 0 });
});

test('signatures of others are passed over, before and after', async () => {
  const [body, line] = [note.slice(0, text.length + 1), note.slice(text.length + 1)];
  for (const lines of [otherLine + line, line + otherLine]) {
    expect(await openNote(bytesOf(body + lines), noteKey)).toEqual({ ok: true, text, others: 1 });
  }
});

describe('refused', () => {
  const head = note.slice(0, text.length + 1);
  const line = note.slice(text.length + 1);
  const name = signer.origin;
  const base64 = line.trim().split(' ').at(-1) ?? '';
  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'note_malformed'],
    ['no signature', head, 'note_malformed'],
    ['no blank line', text.replace('\n\n', '\n') + line, 'note_malformed'],
    ['no last newline', note.slice(0, -1), 'note_malformed'],
    ['a line behind', `${note}x\n`, 'note_malformed'],
    ['a carriage return', note.replace('one\n', 'one\r\n'), 'note_malformed'],
    ['a tab', note.replace('one', 'o\tne'), 'note_malformed'],
    ['a hyphen for the dash', note.replace('\u2014', '-'), 'note_malformed'],
    ['two spaces', note.replace(`${name} `, `${name}  `), 'note_malformed'],
    ['a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, ...bytesOf(note)]), 'signature_invalid'],
    ['bytes that are not UTF-8', new Uint8Array([0xff, ...bytesOf(note)]), 'note_malformed'],
    ['base64 without padding', note.replace(/=+\n$/, '\n'), 'note_malformed'],
    ['base64 with loose bits', head + line.replace(base64, loosened(base64)), 'note_malformed'],
    ['a signature of four bytes', `${head}\u2014 ${name} AAAAAA==\n`, 'note_malformed'],
    ['a name with a plus', note.replace(name, 'a+b'), 'note_malformed'],
    ['a name with a space', note.replace(name, 'a\u00a0b'), 'note_malformed'],
    ['another name', note.replace(name, 'example.com/lag'), 'signer_unknown'],
    ['another key', head + otherLine, 'signer_unknown'],
    ['the signature twice', head + line + line, 'note_malformed'],
    ['too many signatures', head + line + otherLine.repeat(16), 'note_malformed'],
    ['another text', note.replace('one', 'two'), 'signature_invalid'],
    ['a shorter signature', `${head}\u2014 ${name} ${shortened(base64)}\n`, 'signature_invalid'],
    ['more than is read', 'x'.repeat(MAX_NOTE_BYTES + 1), 'note_too_large'],
  ])('%s', async (_what, given, reason) => {
    const bytes = typeof given === 'string' ? bytesOf(given) : given;
    expect(await openNote(bytes, noteKey)).toMatchObject({ ok: false, reason });
  });

  test('one wrong signature of the known key, even when nothing else is wrong', async () => {
    const forged = Buffer.from(base64, 'base64');
    forged[20] = (forged[20] ?? 0) ^ 1;
    const bad = `${head}${otherLine}\u2014 ${name} ${forged.toString('base64')}\n`;
    expect(await openNote(bytesOf(bad), noteKey)).toMatchObject({ reason: 'signature_invalid' });
  });

  function loosened(value: string): string {
    const last = value.replace(/=+$/, '').at(-1) ?? '';
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    return value.replace(`${last}=`, `${digits[digits.indexOf(last) + 1]}=`);
  }
  function shortened(value: string): string {
    return Buffer.from(value, 'base64').subarray(0, -1).toString('base64');
  }
});

test.each([
  ['another id', (vkey: string) => vkey.replace(/\+[0-9a-f]/, (c) => (c === '+0' ? '+1' : '+0'))],
  ['upper case', (vkey: string) => vkey.replace(/\+([0-9a-f]{8})\+/, (c) => c.toUpperCase())],
  ['another type', (vkey: string) => vkey.replace(/\+A/, '+B')],
  ['a shorter key', (vkey: string) => vkey.replace(/....$/, '')],
  ['no name', (vkey: string) => vkey.replace(/^[^+]+/, '')],
  ['two newlines', (vkey: string) => `${vkey}\n\n`],
  ['a part behind', (vkey: string) => `${vkey}+AA==`],
  ['nothing', () => ''],
])('a key with %s is none', async (_what, change) => {
  const vkey = await encodeVkey(noteKey);
  const changed = change(vkey);
  expect(changed).not.toBe(vkey);
  expect(await parseVkey(changed)).toBeNull();
  expect(await parseVkey(`${vkey}\n`)).toEqual(noteKey);
});

const log = memoryLog(3);
const root = Buffer.from((await log.head(3)).root).toString('base64');

describe('checkpoints', () => {
  const signed = (body: string) => signNote(body, signer.origin, signer.key);

  test('there and back, and the same each time', async () => {
    const head = await log.head(3);
    const checkpoint = await signCheckpoint(head, signer);
    expect(checkpoint.startsWith(`example.com/log\n3\n${root}\n\n\u2014 example.com/log `)).toBe(true);
    expect(await openCheckpoint(bytesOf(checkpoint), logKey)).toEqual({ ok: true, head, others: 0 });
    expect(await signCheckpoint(head, signer)).toBe(checkpoint);
  });

  test.each<[string, string, string]>([
    ['another origin under our name', `example.com/other\n3\n${root}\n`, 'origin_other'],
    ['an extension line', `example.com/log\n3\n${root}\nmore\n`, 'checkpoint_malformed'],
    ['a leading zero', `example.com/log\n03\n${root}\n`, 'checkpoint_malformed'],
    ['a sign', `example.com/log\n+3\n${root}\n`, 'checkpoint_malformed'],
    ['a size beyond any tree', `example.com/log\n999999999999999\n${root}\n`, 'checkpoint_malformed'],
    ['a size of many digits', `example.com/log\n1${'0'.repeat(400)}\n${root}\n`, 'checkpoint_malformed'],
    ['a short root', 'example.com/log\n3\nAAAA\n', 'checkpoint_malformed'],
    ['no root', 'example.com/log\n3\n', 'checkpoint_malformed'],
    ['an empty tree with a root', `example.com/log\n0\n${root}\n`, 'checkpoint_malformed'],
    ['a space', `example.com/log\n3 \n${root}\n`, 'checkpoint_malformed'],
  ])('%s is refused though it is signed', async (_what, body, reason) => {
    expect(await openCheckpoint(bytesOf(await signed(body)), logKey)).toMatchObject({ ok: false, reason });
  });
});
