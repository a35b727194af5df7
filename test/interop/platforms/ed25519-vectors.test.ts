/**
 * Other projects' Ed25519 vectors under our verifier: Wycheproof's answers are ours, and of the twelve cases
 * of "Taming the many EdDSAs" only the one that every verifier of the plain equation accepts.
 */
import { describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { verifySignature } from '../../../src/signing/ed25519.ts';
import { fromHex } from '../../support/ed25519/suite.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Text of each file; empty when it could not be had. */
    ed25519Vectors: { readonly wycheproof: string; readonly speccheck: string };
  }
}

const { wycheproof, speccheck } = inject('ed25519Vectors');

const wycheproofFile = z.object({
  numberOfTests: z.int().min(100),
  testGroups: z.array(
    z.object({
      publicKey: z.object({ pk: z.string() }),
      tests: z.array(
        z.object({
          tcId: z.int(),
          comment: z.string(),
          msg: z.string(),
          sig: z.string(),
          result: z.enum(['valid', 'invalid']),
        }),
      ),
    }),
  ),
});

const speccheckFile = z.array(z.object({ message: z.string(), pub_key: z.string(), signature: z.string() }));
/** Key and R of mixed order, honestly computed, both equations hold. Number in the file, from 0. */
const ACCEPTED_CASE = 3;

describe.skipIf(wycheproof === '')('Project Wycheproof', () => {
  const { numberOfTests, testGroups } =
    wycheproof === '' ? empty() : wycheproofFile.parse(JSON.parse(wycheproof));
  const cases = testGroups.flatMap(({ publicKey, tests }) =>
    tests.map((one) => ({ key: publicKey.pk, ...one })),
  );

  test('is here in full, with both answers', () => {
    expect(cases.length).toBe(numberOfTests);
    expect(new Set(cases.map(({ result }) => result))).toEqual(new Set(['valid', 'invalid']));
  });

  test.each(cases)('$tcId $comment: $result', async ({ key, msg, sig, result }) => {
    const accepted = await verifySignature({ bytes: fromHex(key), keyId: '' }, fromHex(msg), fromHex(sig));
    expect(accepted).toBe(result === 'valid');
  });
});

describe.skipIf(speccheck === '')('Taming the many EdDSAs', () => {
  const cases = speccheck === '' ? [] : speccheckFile.length(12).parse(JSON.parse(speccheck));
  test.each(cases.map((one, index) => ({ ...one, index })))('case $index', async (one) => {
    const key = { bytes: fromHex(one.pub_key), keyId: '' };
    const accepted = await verifySignature(key, fromHex(one.message), fromHex(one.signature));
    expect(accepted).toBe(one.index === ACCEPTED_CASE);
  });
});

function empty(): z.infer<typeof wycheproofFile> {
  return { numberOfTests: 0, testGroups: [] };
}
