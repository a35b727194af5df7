/** Proofs: one text each, and no byte of it is free to change. */
import { expect, test } from 'vitest';
import { signNote } from '../../../src/tlog/note.ts';
import { MAX_PROOF_BYTES, PROOF_REASONS, verifyProof } from '../../../src/tlog/proof.ts';
import { bundle, logSigner, memoryLog, proofText } from '../../support/tlog.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const log = memoryLog(600);
const { signer, logKey } = await logSigner();
const proof = await proofText(log, 4, 11, signer);

test.each([
  [0, 1],
  [0, 2],
  [255, 256],
  [256, 257],
  [599, 600],
])('entry %i of %i', async (index, size) => {
  const text = await proofText(log, index, size, signer);
  expect(await verifyProof(bytesOf(text), bundle(index), logKey)).toEqual({ ok: true, index, size });
});

test('has the text that the format gives', () => {
  expect(proof).toMatch(
    /^c2sp\.org\/tlog-proof@v1\nindex 4\n(?:[A-Za-z0-9+/]{43}=\n){4}\nexample\.com\/log\n11\n[A-Za-z0-9+/]{43}=\n\n\u2014 example\.com\/log \S+\n$/,
  );
});

test('every change of a single byte is refused, and so is every cut and every byte behind', async () => {
  const original = bytesOf(proof);
  const reasons = new Set<string>();
  for (let at = 0; at < original.length; at += 1) {
    for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
      const changed = original.slice();
      changed[at] = (changed[at] ?? 0) ^ mask;
      const answer = await verifyProof(changed, bundle(4), logKey);
      expect(answer.ok, `byte ${at} with ${mask}`).toBe(false);
      if (!answer.ok) reasons.add(answer.reason);
    }
    expect((await verifyProof(original.subarray(0, at), bundle(4), logKey)).ok, `cut at ${at}`).toBe(false);
  }
  for (const byte of [0, 10, 32, 61]) {
    expect((await verifyProof(new Uint8Array([...original, byte]), bundle(4), logKey)).ok).toBe(false);
  }
  expect([...reasons].sort()).toEqual([
    'not_included',
    'note_malformed',
    'proof_malformed',
    'signature_invalid',
    'signer_unknown',
  ]);
  expect(PROOF_REASONS).toEqual(expect.arrayContaining([...reasons]));
});

const witness = await logSigner(6, 'witness.example/w');
const [head = '', rest = ''] = splitAt(proof, proof.indexOf('\n\n') + 2);
const body = rest.slice(0, rest.indexOf('\n\n') + 1);
const cosigned =
  head + rest + (await signNote(body, witness.signer.origin, witness.signer.key)).slice(body.length + 1);
const sameNameOtherKey = await logSigner(9);
const otherName = await logSigner(5, 'example.com/other');
const hash = head.split('\n')[2] ?? '';
const forged = memoryLog(
  11,
  Array.from({ length: 11 }, (_, n) => bundle(n === 4 ? 77 : n)),
);

async function withBody(text: string): Promise<string> {
  return head + (await signNote(text, signer.origin, signer.key));
}

const WRONG: readonly [string, string, string, string][] = [
  ['nothing', '', bundle(4), 'proof_malformed'],
  ['another format', proof.replace('@v1', '@v2'), bundle(4), 'proof_malformed'],
  ['extra data', proof.replace('index', 'extra AAAA\nindex'), bundle(4), 'proof_malformed'],
  ['a leading zero', proof.replace('index 4', 'index 04'), bundle(4), 'proof_malformed'],
  ['a negative index', proof.replace('index 4', 'index -4'), bundle(4), 'proof_malformed'],
  ['an index with a fraction', proof.replace('index 4', 'index 4.0'), bundle(4), 'proof_malformed'],
  ['CRLF', proof.replaceAll('\n', '\r\n'), bundle(4), 'proof_malformed'],
  ['a byte order mark', `\ufeff${proof}`, bundle(4), 'proof_malformed'],
  ['a hash in url-safe base64', proof.replace(hash, `${'-_'.repeat(21)}A=`), bundle(4), 'proof_malformed'],
  ['49 hashes', proof.replace(`${hash}\n`, `${hash}\n`.repeat(46)), bundle(4), 'proof_malformed'],
  ['no checkpoint', head, bundle(4), 'proof_malformed'],
  ['another index', proof.replace('index 4', 'index 5'), bundle(4), 'not_included'],
  ['an index outside the tree', proof.replace('index 4', 'index 11'), bundle(4), 'not_included'],
  ['another bundle', proof, bundle(5), 'not_included'],
  ['no digest', proof, 'nothing', 'not_included'],
  ['one hash less', proof.replace(`${hash}\n`, ''), bundle(4), 'not_included'],
  ['one hash more', proof.replace(`${hash}\n`, `${hash}\n${hash}\n`), bundle(4), 'not_included'],
  ['another size', proof.replace('\n11\n', '\n12\n'), bundle(4), 'signature_invalid'],
  ['another root', await withBody(`example.com/log\n11\n${hash}\n`), bundle(4), 'not_included'],
  [
    'another log of the same name',
    await proofText(log, 4, 11, sameNameOtherKey.signer),
    bundle(4),
    'signer_unknown',
  ],
  [
    'the same key under another name',
    await proofText(log, 4, 11, otherName.signer),
    bundle(4),
    'signer_unknown',
  ],
  [
    'another origin, signed under our name',
    await withBody(body.replace('log', 'lag')),
    bundle(4),
    'origin_other',
  ],
  ['a text that is no checkpoint', await withBody('example.com/log\n'), bundle(4), 'checkpoint_malformed'],
  ['a second signature', cosigned, bundle(4), 'signatures_not_one'],
  [
    'a log that holds another bundle there',
    await proofText(forged, 4, 11, signer),
    bundle(4),
    'not_included',
  ],
  ['more than is read', proof + 'x'.repeat(MAX_PROOF_BYTES), bundle(4), 'proof_too_large'],
];

test.each(WRONG)('%s is refused', async (_what, text, sha256, reason) => {
  expect(await verifyProof(bytesOf(text), sha256, logKey)).toMatchObject({ ok: false, reason });
});

test('bytes that are not UTF-8 are refused', async () => {
  const bytes = new Uint8Array([...bytesOf(proof), 0xff]);
  expect(await verifyProof(bytes, bundle(4), logKey)).toMatchObject({ reason: 'proof_malformed' });
});

function splitAt(text: string, at: number): [string, string] {
  return [text.slice(0, at), text.slice(at)];
}
