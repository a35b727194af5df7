import { beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../../src/schema/report.ts';
import { PAYLOAD_TYPE } from '../../../src/schema/statement.ts';
import { toBase64 } from '../../../src/signing/base64.ts';
import { encodeBundle, encodeStatement, signBundle } from '../../../src/signing/bundle.ts';
import { preAuthEncoding } from '../../../src/signing/envelope.ts';
import { buildStatement } from '../../../src/signing/statement.ts';
import { verifyRule } from '../../../src/signing/verify.ts';
import { acceptedReport, cases } from '../../support/rule.ts';
import { keyOf, type SignedRule, signedRule } from '../../support/signed.ts';

let signed: SignedRule;
beforeAll(async () => {
  signed = await signedRule();
});

const encoder = new TextEncoder();
const bundleJson = () => JSON.parse(new TextDecoder().decode(signed.bundle));
const reasonOf = async (bundle: Uint8Array, files = signed.files, key = signed.publicKey) => {
  const result = await verifyRule(bundle, key, files);
  return result.ok ? 'accepted' : result.reason;
};

test('a signed rule verifies, and what is handed on is the signed statement', async () => {
  const result = await verifyRule(signed.bundle, signed.publicKey, signed.files);
  expect(result).toEqual({ ok: true, keyId: signed.publicKey.keyId, statement: signed.statement });
});

test('the same statement and key give the same bytes', () => {
  expect(encoder.encode(signBundle(encodeStatement(signed.statement), signed.key))).toEqual(signed.bundle);
});

test('every single changed bit of every file is refused', async () => {
  for (const [path, bytes] of signed.files) {
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      expect(
        await reasonOf(signed.bundle, new Map(signed.files).set(path, changed)),
        `${path} byte ${at}`,
      ).toBe('file_changed');
    }
  }
});

test('every single changed byte of the bundle is refused', async () => {
  // Verifying with tweetnacl takes milliseconds, so a stride keeps this quick; each region is covered.
  for (let at = 0; at < signed.bundle.length; at += 7) {
    const changed = signed.bundle.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(await reasonOf(changed), `byte ${at}`).not.toBe('accepted');
  }
});

describe('each refusal has its reason', () => {
  test('files', async () => {
    const without = new Map(signed.files);
    without.delete('check.ts');
    expect(await reasonOf(signed.bundle, without)).toBe('file_missing');
    const more = new Map(signed.files).set('captures/more.yml', new Uint8Array());
    expect(await reasonOf(signed.bundle, more)).toBe('file_not_signed');
  });

  test('another key', async () => {
    const other = await keyOf(8);
    expect(await reasonOf(signed.bundle, signed.files, other.publicKey)).toBe('key_mismatch');
  });

  test('another key that claims our key id', async () => {
    const other = await keyOf(8);
    const forged = { ...other.publicKey, keyId: signed.publicKey.keyId };
    expect(await reasonOf(signed.bundle, signed.files, forged)).toBe('signature_invalid');
  });

  test.each<[string, (bundle: ReturnType<typeof bundleJson>) => unknown, string]>([
    ['no JSON', () => 'x', 'bundle_malformed'],
    ['an unknown media type', (b) => ({ ...b, mediaType: 'x' }), 'bundle_malformed'],
    ['an unknown field', (b) => ({ ...b, tlogEntries: [] }), 'bundle_malformed'],
    [
      'two signatures',
      (b) => ({
        ...b,
        dsseEnvelope: {
          ...b.dsseEnvelope,
          signatures: [...b.dsseEnvelope.signatures, ...b.dsseEnvelope.signatures],
        },
      }),
      'bundle_malformed',
    ],
    [
      'no signature',
      (b) => ({ ...b, dsseEnvelope: { ...b.dsseEnvelope, signatures: [] } }),
      'bundle_malformed',
    ],
    [
      'another payload type',
      (b) => ({ ...b, dsseEnvelope: { ...b.dsseEnvelope, payloadType: 'text/plain' } }),
      'bundle_malformed',
    ],
  ])('%s', async (_name, change, reason) => {
    const text = `${JSON.stringify(change(bundleJson()), null, 2)}\n`;
    expect(await reasonOf(encoder.encode(text))).toBe(reason);
  });

  test('text that is not JSON, not UTF-8, or far too large', async () => {
    expect(await reasonOf(encoder.encode('{'))).toBe('bundle_not_json');
    expect(await reasonOf(Uint8Array.from([0xff, 0xfe]))).toBe('bundle_not_json');
    expect(await reasonOf(new Uint8Array(17 * 1024 * 1024))).toBe('bundle_too_large');
  });

  test('the same bundle with other white space', async () => {
    expect(await reasonOf(encoder.encode(JSON.stringify(bundleJson())))).toBe('bundle_not_canonical');
  });

  test('a well-signed payload that is no statement of ours', async () => {
    const payload = encoder.encode('{"_type":"x"}');
    expect(await reasonOf(encoder.encode(signBundle(payload, signed.key)))).toBe('statement_malformed');
  });

  test('a statement that names a file twice', async () => {
    const twice = {
      ...signed.statement,
      subject: [...signed.statement.subject, ...signed.statement.subject.slice(0, 1)],
    };
    expect(await reasonOf(encoder.encode(signBundle(encodeStatement(twice), signed.key)))).toBe(
      'subject_twice',
    );
  });

  test('a signature whose S has the group order added, which plain tweetnacl accepts', async () => {
    const bundle = bundleJson();
    const payload = Uint8Array.from(atob(bundle.dsseEnvelope.payload), (c) => c.charCodeAt(0));
    const signature = signed.key.sign(preAuthEncoding(PAYLOAD_TYPE, payload));
    bundle.dsseEnvelope.signatures[0].sig = toBase64(addGroupOrder(signature));
    expect(await reasonOf(encoder.encode(encodeBundle(bundle)))).toBe('signature_invalid');
  });
});

function addGroupOrder(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const changed = signature.slice();
  let s = 0n;
  for (let i = 63; i >= 32; i -= 1) s = (s << 8n) | BigInt(changed[i] ?? 0);
  s += order;
  for (let i = 32; i < 64; i += 1) {
    changed[i] = Number(s & 255n);
    s >>= 8n;
  }
  return changed;
}

describe('what may be stated', () => {
  const input = async (report: Report, confirmation: Report | null = null) =>
    buildStatement({
      rule: signed.rule,
      cases,
      report,
      confirmation,
      request: signed.statement.predicate.request,
      generation: signed.statement.predicate.generation,
      model: signed.statement.predicate.model,
      limits: signed.statement.predicate.limits,
      verifiedAt: signed.statement.predicate.verifiedAt,
      signedAt: signed.statement.predicate.signedAt,
    });

  test('a rejected report is never stated', async () => {
    await expect(input({ ...acceptedReport(), verdict: 'rejected' })).rejects.toThrow(RangeError);
  });

  test('a report without one of the cases is never stated', async () => {
    const report = acceptedReport();
    await expect(input({ ...report, cases: report.cases.slice(1) })).rejects.toThrow(RangeError);
  });

  test('a report of which a second sandbox says something else is never stated', async () => {
    const report = acceptedReport();
    const same = { ...report, sandbox: 'isolate' as const };
    expect((await input(report, same)).predicate.confirmation).toMatchObject({ kind: 'isolate' });
    const silent = same.cases.map((one) => ({ ...one, findings: [] }));
    await expect(input(report, { ...same, cases: silent })).rejects.toThrow(RangeError);
    await expect(input(report, { ...same, cases: same.cases.slice(1) })).rejects.toThrow(RangeError);
  });

  test('a report with a bad status is never stated, whatever its verdict says', async () => {
    const report = acceptedReport();
    const bad = report.cases.map((one) => ({ ...one, status: 'error' as const }));
    await expect(input({ ...report, cases: bad })).rejects.toThrow(RangeError);
  });
});
