import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { type PublicKey, parsePublicKey } from '../../../src/signing/ed25519.ts';
import { REFUSAL_REASONS, verifyRule } from '../../../src/signing/verify.ts';
import { makeVectors, vectorText } from '../../support/vectors/make.ts';
import { toSigners, type Vector, type VectorFile } from '../../support/vectors/vector.ts';

const text = await readFile(new URL('../../../fixtures/vectors/verification.json', import.meta.url), 'utf8');
const file = JSON.parse(text) as VectorFile;
const keys = new Map<string, PublicKey>();

beforeAll(async () => {
  for (const { publicKey } of [...file.signers, ...file.vectors.flatMap((one) => one.signers ?? [])]) {
    const key = await parsePublicKey(publicKey);
    if (key !== null) keys.set(publicKey, key);
  }
});

async function verdictOf(vector: Vector): Promise<string> {
  const files = new Map(Object.entries({ ...file.base.files, ...vector.set }).map(decoded));
  for (const path of vector.remove ?? []) files.delete(path);
  const { text: part, count } = vector.bundleRepeats ?? { text: '', count: 0 };
  const bundle =
    vector.bundleRepeats === undefined
      ? Buffer.from(vector.bundle ?? file.base.bundle, 'base64')
      : Buffer.from(part.repeat(count));
  const signers = toSigners(vector.signers ?? file.signers, keys, vector, file.now);
  const result = await verifyRule(bundle, signers, files);
  return result.ok ? 'verified' : result.reason;
}

function decoded([path, base64]: [string, string]): [string, Uint8Array] {
  return [path, new Uint8Array(Buffer.from(base64, 'base64'))];
}

describe('verification vectors', () => {
  test('are those that this checkout makes; else: npm run vectors', async () => {
    expect(text === vectorText(await makeVectors())).toBe(true);
  });

  test('have names of their own, over a hundred refusals, and every reason', () => {
    expect(new Set(file.vectors.map((one) => one.name)).size).toBe(file.vectors.length);
    const refusals = file.vectors.filter((one) => one.expect !== 'verified');
    expect(refusals.length).toBeGreaterThan(100);
    expect([...new Set(refusals.map((one) => one.expect))].sort()).toEqual([...REFUSAL_REASONS].sort());
  });

  test.each(file.vectors.map((one) => [one.name, one] as const))('%s', async (_name, vector) => {
    expect(await verdictOf(vector)).toBe(vector.expect);
  });
});

test('the specification names every reason', async () => {
  const spec = await readFile(new URL('../../../docs/spec/bundle.md', import.meta.url), 'utf8');
  for (const reason of REFUSAL_REASONS) expect(spec).toContain(`\`${reason}\``);
});
