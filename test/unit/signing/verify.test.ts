import { beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../../src/schema/report.ts';
import { encodeStatement, signBundle } from '../../../src/signing/bundle.ts';
import { verifySignature } from '../../../src/signing/ed25519.ts';
import { onlySigner } from '../../../src/signing/signers.ts';
import { buildStatement } from '../../../src/signing/statement.ts';
import { verifyRule } from '../../../src/signing/verify.ts';
import { acceptedReport, cases } from '../../support/rule.ts';
import { keyOf, type SignedRule, signedRule } from '../../support/signed.ts';

let signed: SignedRule;
beforeAll(async () => {
  signed = await signedRule();
});

const encoder = new TextEncoder();
const reasonOf = async (bundle: Uint8Array, files = signed.files, key = signed.publicKey) => {
  const result = await verifyRule(bundle, onlySigner(key), files);
  return result.ok ? 'verified' : result.reason;
};

test('a signed rule verifies, and what is handed on is what was signed', async () => {
  const { bundle, publicKey, files, statement, bundleSha256 } = signed;
  const result = await verifyRule(bundle, onlySigner(publicKey), files);
  expect(result).toMatchObject({ ok: true, signer: { key: publicKey }, statement, bundleSha256 });
  expect(result.ok && result.files).toEqual(files);
});

test('what was verified stays as it was, whatever happens to the bytes that were given', async () => {
  // Buffers, as a file reader gives them: what slices a Buffer gets a view of it.
  const given = new Map([...signed.files].map(([path, bytes]) => [path, Buffer.from(bytes)]));
  const result = await verifyRule(signed.bundle, onlySigner(signed.publicKey), given);
  for (const bytes of given.values()) bytes.fill(0);
  expect(result.ok && result.files).toEqual(signed.files);
});

test('verifying changes nothing of what it is given', async () => {
  const { bundle, publicKey, key } = signed;
  const message = Buffer.from('message');
  const signature = Buffer.from(key.sign(message));
  const before = [bundle.slice(), Buffer.from(signature), Buffer.from(publicKey.bytes)].map((one) => [
    ...one,
  ]);
  const keyInBuffer = { ...publicKey, bytes: Buffer.from(publicKey.bytes) };
  expect(await verifySignature(keyInBuffer, message, signature)).toBe(true);
  expect([bundle, signature, keyInBuffer.bytes].map((one) => [...one])).toEqual(before);
});

test('the same statement and key give the same bytes', () => {
  expect(encoder.encode(signBundle(encodeStatement(signed.statement), signed.key))).toEqual(signed.bundle);
});

test('every file is refused when any one byte is another', async () => {
  for (const [path, bytes] of signed.files) {
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const reason = await reasonOf(signed.bundle, new Map(signed.files).set(path, changed));
      if (reason !== 'file_changed') expect.fail(`${path}: byte ${at} changed, and it is ${reason}`);
    }
  }
});

/** With ASSAY_TEST_ALL_BYTES=1 every other value of every byte, about two minutes; else one that stays text. */
const MASKS = process.env.ASSAY_TEST_ALL_BYTES ? Array.from({ length: 255 }, (_, at) => at + 1) : [1];

test('a bundle is refused when any one byte is another', { timeout: 600_000 }, async () => {
  for (let at = 0; at < signed.bundle.length; at += 1) {
    for (const mask of MASKS) {
      const changed = signed.bundle.slice();
      changed[at] = (changed[at] ?? 0) ^ mask;
      if ((await reasonOf(changed)) === 'verified') expect.fail(`byte ${at} is free: ${mask}`);
    }
  }
});

test('a bundle is refused when any one byte is left out or doubled', async () => {
  const { bundle } = signed;
  for (let at = 0; at < bundle.length; at += 1) {
    const without = Uint8Array.from([...bundle.subarray(0, at), ...bundle.subarray(at + 1)]);
    const doubled = Uint8Array.from([...bundle.subarray(0, at + 1), ...bundle.subarray(at)]);
    for (const changed of [without, doubled]) {
      if ((await reasonOf(changed)) === 'verified') expect.fail(`byte ${at} is free`);
    }
  }
});

test('a key that claims the id of the trusted one verifies nothing', async () => {
  const other = await keyOf(8);
  const forged = { ...other.publicKey, keyId: signed.publicKey.keyId };
  expect(await reasonOf(signed.bundle, signed.files, forged)).toBe('signature_invalid');
});

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
