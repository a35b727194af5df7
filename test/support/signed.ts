/** A signed rule for verifier tests. */

import { assembleFiles } from '../../src/rules/assemble.ts';
import { sha256Hex } from '../../src/rules/digest.ts';
import { inspectRule } from '../../src/rules/inspect.ts';
import { ruleDirectory } from '../../src/rules/layout.ts';
import type { Rule } from '../../src/schema/rule.ts';
import type { Statement } from '../../src/schema/statement.ts';
import { encodeStatement, signBundle } from '../../src/signing/bundle.ts';
import {
  type PublicKey,
  parseSigningKey,
  privateKeyPem,
  type SigningKey,
} from '../../src/signing/ed25519.ts';
import { buildStatement } from '../../src/signing/statement.ts';
import { acceptedReport, cases, goodReply } from './rule.ts';

const encoder = new TextEncoder();

export interface SignedRule {
  readonly key: SigningKey;
  readonly publicKey: PublicKey;
  readonly rule: Rule;
  readonly statement: Statement;
  readonly bundle: Uint8Array;
  readonly bundleSha256: string;
  readonly files: Map<string, Uint8Array>;
}

/** A key from a fixed seed byte: tests only, so that vectors repeat. */
export async function keyOf(seedByte: number): Promise<SigningKey> {
  const key = await parseSigningKey(privateKeyPem(new Uint8Array(32).fill(seedByte)));
  if (key === null) throw new Error('no key');
  return key;
}

export async function signedRule(): Promise<SignedRule> {
  const key = await keyOf(7);
  const files = await assembleFiles(goodReply);
  if (!files.ok) throw new Error('refused');
  const rule = inspectRule({ name: 'no-eval', summary: goodReply.summary, files: files.value });
  if (!rule.ok) throw new Error('refused');
  const digest = 'ab'.repeat(32);
  const statement = await buildStatement({
    rule: rule.value,
    cases,
    report: acceptedReport(),
    confirmation: null,
    request: { sha256: digest, promptSha256: digest },
    generation: { id: 'gen-1', attempts: 1 },
    model: { id: 'm', promptVersion: '1', promptSha256: digest, replySha256: digest },
    limits: { caseTimeoutMs: 10_000 },
    verifiedAt: '2026-01-01T00:00:00.000Z',
    signedAt: '2026-01-01T00:00:01.000Z',
  });
  const bundle = encoder.encode(signBundle(encodeStatement(statement), key));
  const directory = ruleDirectory(rule.value, cases);
  return {
    key,
    publicKey: key.publicKey,
    rule: rule.value,
    statement,
    bundle,
    bundleSha256: await sha256Hex(bundle),
    files: new Map(Object.entries(directory).map(([path, text]) => [path, encoder.encode(text)])),
  };
}
