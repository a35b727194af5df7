import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { PAYLOAD_TYPE } from '../../../src/schema/statement.ts';
import { encodeStatement, signBundle } from '../../../src/signing/bundle.ts';
import type { SigningKey } from '../../../src/signing/ed25519.ts';
import { preAuthEncoding } from '../../../src/signing/envelope.ts';
import { bareSidecar, keyedSidecar, signedSidecar } from '../../../src/signing/sidecars/formats.ts';
import { KEYED_FORMATS, SIGNED_FORMATS } from '../../../src/signing/sidecars/names.ts';
import { type Parts, partsOf } from '../../../src/signing/sidecars/parts.ts';
import { receivedSidecar } from '../../../src/signing/sidecars/received.ts';
import { keyOf, signedRule } from '../../support/signed.ts';

async function parts(): Promise<Parts> {
  const found = await partsOf((await signedRule()).bundle);
  if (!found.ok) throw new Error(found.message);
  return found;
}

function texts(files: Readonly<Record<string, string | Uint8Array>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).filter((file): file is [string, string] => typeof file[1] === 'string'),
  );
}

/** A key that tells what it was asked to sign. */
async function overheard(): Promise<{ key: SigningKey; messages: Uint8Array[] }> {
  const key = await keyOf(7);
  const messages: Uint8Array[] = [];
  const sign = (message: Uint8Array) => {
    messages.push(message);
    return key.sign(message);
  };
  return { key: { publicKey: key.publicKey, sign }, messages };
}

describe('what is signed anew', () => {
  test('can never be what a bundle signs: no encoding of a statement begins or measures like it', async () => {
    const shortest = preAuthEncoding(PAYLOAD_TYPE, encodeStatement((await signedRule()).statement)).length;
    for (const format of SIGNED_FORMATS) {
      const { key, messages } = await overheard();
      signedSidecar(format, await parts(), key);
      expect(messages.length).toBe(format === 'minisign' ? 2 : 1);
      for (const message of messages) {
        expect(Buffer.from(message).subarray(0, 6).toString('latin1')).not.toBe('DSSEv1');
        expect(message.length).toBeLessThan(shortest);
      }
    }
  });

  test('is framed as each tool says: SSHSIG with our namespace; minisign a digest, then a signature', async () => {
    const ssh = await overheard();
    signedSidecar('ssh', await parts(), ssh.key);
    const [message] = ssh.messages;
    const digest = createHash('sha512')
      .update((await parts()).bundle)
      .digest();
    const head = 'SSHSIG\0\0\0\x17verified-rule@assay.alt\0\0\0\0\0\0\0\x06sha512\0\0\0\x40';
    expect(Buffer.from(message ?? '')).toEqual(Buffer.concat([Buffer.from(head, 'latin1'), digest]));

    const minisign = await overheard();
    signedSidecar('minisign', await parts(), minisign.key);
    const [file, comment] = minisign.messages;
    const blake = createHash('blake2b512')
      .update((await parts()).bundle)
      .digest();
    expect(Buffer.from(file ?? '')).toEqual(blake);
    expect(Buffer.from(comment ?? '').subarray(0, 64)).toEqual(
      Buffer.from(minisign.key.sign(file ?? new Uint8Array())),
    );
    const { bundleSha256 } = await parts();
    expect(Buffer.from(comment ?? '').toString('latin1', 64)).toBe(
      `verified rule bundle sha256:${bundleSha256}`,
    );
  });

  test('is the same every time', async () => {
    for (const format of SIGNED_FORMATS) {
      const once = signedSidecar(format, await parts(), await keyOf(7));
      expect(signedSidecar(format, await parts(), await keyOf(7))).toEqual(once);
    }
  });
});

describe('keys', () => {
  test('one that the bundle does not name is refused', async () => {
    const other = await keyOf(8);
    for (const format of SIGNED_FORMATS) {
      const found = await parts();
      expect(() => signedSidecar(format, found, other)).toThrow(/another key/);
    }
    for (const format of KEYED_FORMATS) {
      const found = await parts();
      expect(() => keyedSidecar(format, found, other.publicKey)).toThrow(/another key/);
    }
  });

  test('no private key byte is in any file', async () => {
    const seed = Buffer.alloc(32, 7);
    for (const format of SIGNED_FORMATS) {
      const { files } = signedSidecar(format, await parts(), await keyOf(7));
      for (const content of Object.values(files)) {
        const bytes = Buffer.from(content);
        for (const form of [seed, seed.toString('hex'), seed.toString('base64').slice(0, 40)]) {
          expect(bytes.includes(form)).toBe(false);
        }
      }
    }
  });
});

describe.each(SIGNED_FORMATS)('%s from somebody else', (format) => {
  test('is believed as it was made', async () => {
    const made = signedSidecar(format, await parts(), await keyOf(7));
    const { publicKey } = await keyOf(7);
    expect(await receivedSidecar(format, await parts(), publicKey, texts(made.files))).toEqual(made);
  });

  test('is refused with any character changed, left out or missing', async () => {
    const found = await parts();
    const { publicKey, ...key } = await keyOf(7);
    const files = texts(signedSidecar(format, found, { publicKey, ...key }).files);
    for (const [name, text] of Object.entries(files)) {
      for (let at = 0; at < text.length; at += 3) {
        const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
        expect(
          await receivedSidecar(format, found, publicKey, { ...files, [name]: changed }),
          `${at}`,
        ).toBeNull();
      }
      const shorter = { ...files, [name]: text.slice(0, -1) };
      expect(await receivedSidecar(format, found, publicKey, shorter)).toBeNull();
      const { [name]: _, ...without } = files;
      expect(await receivedSidecar(format, found, publicKey, without)).toBeNull();
    }
  });

  test('is refused for another bundle, and files it has no use for are dropped', async () => {
    const { statement, publicKey, key } = await signedRule();
    const other = signBundle(encodeStatement({ ...statement, subject: statement.subject.toReversed() }), key);
    const otherParts = await partsOf(new TextEncoder().encode(other));
    if (!otherParts.ok) throw new Error(otherParts.message);
    const files = texts(signedSidecar(format, otherParts, key).files);
    expect(await receivedSidecar(format, await parts(), publicKey, files)).toBeNull();
    const own = texts(signedSidecar(format, await parts(), key).files);
    const taken = await receivedSidecar(format, await parts(), publicKey, { ...own, '../evil': 'x' });
    expect(Object.keys(taken?.files ?? {})).not.toContain('../evil');
  });
});

describe('from the bundle alone', () => {
  test('the envelope and the statement are those in the bundle', async () => {
    const { bundle, statement } = await signedRule();
    const { dsseEnvelope } = JSON.parse(new TextDecoder().decode(bundle));
    const dsse = bareSidecar('dsse', await parts()).files['rule.dsse.json'];
    expect(JSON.parse(String(dsse))).toEqual(dsseEnvelope);
    const payload = bareSidecar('intoto', await parts()).files['statement.json'];
    expect(Buffer.from(payload ?? '')).toEqual(Buffer.from(encodeStatement(statement)));
  });

  test('a name with a line break makes one line of the checksum list, and is no other file', async () => {
    const found = await parts();
    const sha256 = 'ab'.repeat(32);
    const hostile = { name: `x\n${'cd'.repeat(32)}  check.ts`, digest: { sha256 } };
    const list = bareSidecar('intoto', { ...found, subjects: [hostile] }).files.SHA256SUMS;
    expect(list).toBe(`\\${sha256}  x\\n${'cd'.repeat(32)}  check.ts\n`);
  });

  test('what is no bundle is refused with the reason', async () => {
    const { bundle, key } = await signedRule();
    const text = new TextDecoder().decode(bundle);
    const cases: [string, string][] = [
      ['bundle_not_json', 'x'],
      ['bundle_not_canonical', `${text} `],
      ['bundle_version_unknown', text.replace('v0.3', 'v0.9')],
      ['statement_malformed', signBundle(new TextEncoder().encode('{}'), key)],
      ['bundle_malformed', text.replace(/"sig": "[^"]+"/, '"sig": "AAAA"')],
    ];
    for (const [reason, changed] of cases) {
      expect(await partsOf(new TextEncoder().encode(changed)), reason).toMatchObject({ ok: false, reason });
    }
  });
});
