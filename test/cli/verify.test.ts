/** `assay verify` as a user runs it: whom it trusts, what it refuses and why, what it prints. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publicKeyPem } from '../../src/signing/ed25519.ts';
import { keyOf, signedRule } from '../support/signed.ts';
import type { VectorFile } from '../support/vectors/vector.ts';
import { assayIn, ROOT, writeSigned } from './support.ts';

let scratch: string;
let ruleDirectory: string;
let keyFile: string;

const assay = (args: readonly string[]) => assayIn(scratch, args);

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-verify-'));
  const signed = await signedRule();
  ruleDirectory = await writeSigned(join(scratch, 'signed'), signed);
  keyFile = join(scratch, 'key.pem');
  await writeFile(keyFile, publicKeyPem(signed.publicKey));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function copied(name: string): Promise<string> {
  const copy = join(scratch, name);
  await cp(ruleDirectory, copy, { recursive: true });
  return copy;
}

test('accepts a rule whose every byte is what was signed, and prints the evidence', async () => {
  const run = await assay(['verify', ruleDirectory, '--key', keyFile]);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toContain('verified no-eval: every byte of 4 files');
  expect(run.stdout).toContain('2 cases (1 valid, 1 invalid), none held out, no variants');
  expect(run.stdout).toContain('invalid evaluates: reported, 1 finding');
});

test('--json prints the statement', async () => {
  const run = await assay(['verify', ruleDirectory, '--key', keyFile, '--json']);
  expect(JSON.parse(run.stdout)).toMatchObject({
    ok: true,
    bundleSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    statement: { predicate: { rule: { name: 'no-eval' } } },
  });
});

test.each([
  ['check.ts', 5],
  ['captures/call.yml', 5],
  ['.tests/valid/parses-json/a.ts', 5],
  ['rule.sigstore.json', 400],
])('refuses one changed byte of %s with exit code 1', async (path, at) => {
  const copy = await copied(`tampered-${path.replaceAll('/', '-')}`);
  const bytes = await readFile(join(copy, path));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(join(copy, path), bytes);
  expect((await assay(['verify', copy, '--key', keyFile])).code).toBe(1);
});

test('refuses an added file and another key', async () => {
  const copy = await copied('added');
  await writeFile(join(copy, 'helper.ts'), '');
  const other = join(scratch, 'other.pem');
  await writeFile(other, publicKeyPem((await keyOf(9)).publicKey));
  const [added, unknown] = await Promise.all([
    assay(['verify', copy, '--key', keyFile]),
    assay(['verify', ruleDirectory, '--key', other]),
  ]);
  expect(added).toMatchObject({ code: 1, stdout: expect.stringContaining('file_not_signed') });
  expect(unknown).toMatchObject({ code: 1, stdout: expect.stringContaining('key_unknown') });
});

test('of several rules each gets its answer, and the worst is the exit code', async () => {
  const copy = await copied('worse');
  await writeFile(join(copy, 'helper.ts'), '');
  const run = await assay(['verify', ruleDirectory, copy, '--key', keyFile, '--json']);
  expect(run.code).toBe(1);
  expect(JSON.parse(run.stdout)).toMatchObject([{ ok: true }, { ok: false, reason: 'file_not_signed' }]);
});

test('a rule reached through a link inside it is refused, not followed', async () => {
  const copy = join(scratch, 'linked');
  await cp(ruleDirectory, copy, { recursive: true });
  await rm(join(copy, 'check.ts'));
  await symlink(join(ruleDirectory, 'check.ts'), join(copy, 'check.ts'));
  expect(await assay(['verify', copy, '--key', keyFile])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('link'),
  });
});

describe('what cannot be judged has a reason of its own and exit code 2', () => {
  test.each([
    ['bundle-text/truncated', 'bundle_not_json'],
    ['bundle-shape/version-0.4', 'bundle_version_unknown'],
    ['bundle-shape/two-signatures', 'signatures_not_one'],
    ['bundle-shape/extra-field', 'bundle_malformed'],
    ['statement/predicate-type-v2', 'predicate_unknown'],
  ])('%s', async (name, reason) => {
    const copy = await copied(name.replace('/', '-'));
    const vectors = await readFile(join(ROOT, 'fixtures/vectors/verification.json'), 'utf8');
    const vector = (JSON.parse(vectors) as VectorFile).vectors.find((one) => one.name === name);
    await writeFile(join(copy, 'rule.sigstore.json'), Buffer.from(vector?.bundle ?? '', 'base64'));
    const run = await assay(['verify', copy, '--key', keyFile, '--json']);
    expect(run.code).toBe(2);
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, reason });
  });

  test('a rule that is not signed', async () => {
    const run = await assay(['verify', join(ruleDirectory, 'captures'), '--key', keyFile]);
    expect(run).toMatchObject({ code: 2, stdout: expect.stringContaining('not_signed') });
  });

  test('a key of another kind', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const file = join(scratch, 'ec.pem');
    await writeFile(file, publicKey.export({ type: 'spki', format: 'pem' }));
    const run = await assay(['verify', ruleDirectory, '--key', file, '--json']);
    expect(run.code).toBe(2);
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, code: 'BAD_KEY' });
  });
});

describe('--policy', () => {
  const withPolicy = async (text: string) => {
    const file = join(scratch, 'policy.yml');
    await writeFile(file, text);
    return assay(['verify', ruleDirectory, '--key', keyFile, '--policy', file]);
  };

  test('says everything that falls short, beside the evidence', async () => {
    const run = await withPolicy('version: 1\nminCases: { valid: 5 }\nconfirmation: true\n');
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('passed 1 valid cases, and 5 are asked for (too_few_cases)');
    expect(run.stdout).toContain('not_confirmed');
  });

  test('that is met changes nothing', async () => {
    expect(await withPolicy('{"version": 1, "sandboxes": ["host"]}')).toMatchObject({ code: 0 });
  });

  test.each([['version: 1\nunknown: 1\n'], ['version: [\n'], ['']])('%j is no policy', async (text) => {
    const run = await withPolicy(text);
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('policy') });
  });
});
