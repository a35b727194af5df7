import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { admit } from '../../../../cli/check/admit.ts';
import type { FoundRule } from '../../../../cli/check/project.ts';
import type { Statement } from '../../../../src/schema/statement.ts';
import { type Policy, parsePolicy } from '../../../../src/signing/policy.ts';
import { onlySigner, type Signer, type Signers } from '../../../../src/signing/signers.ts';
import { keyOf } from '../../../support/signed.ts';
import { captureText, installRule, reportAll, signDirectory } from '../../../support/signed-project.ts';

const NOW = '2026-06-01T00:00:00.000Z';
const key = await keyOf(7);
const files = {
  'check.ts': reportAll('m'),
  'captures/a.yml': captureText({ id: 'a', rule: '{ pattern: bad($A) }' }),
};
let root: string;
let found: FoundRule;
let bundleSha256: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'assay-admit-'));
  const signed = await signDirectory(key, { name: 'rule', files });
  ({ bundleSha256 } = signed);
  found = { name: 'rule', directory: await installRule(root, 'rule', signed.files) };
});
afterAll(() => rm(root, { recursive: true, force: true }));

function reasonFor(over: { signer?: Partial<Signer>; signers?: Partial<Signers>; policy?: object }) {
  const only = onlySigner(key.publicKey);
  const byKeyId = new Map([...only.byKeyId].map(([id, signer]) => [id, { ...signer, ...over.signer }]));
  const policy = parsePolicy({ version: 1, ...over.policy });
  if (!policy.ok) throw new Error('the policy does not parse');
  const signers = { ...only, byKeyId, now: NOW, ...over.signers };
  const trusted = { signers, policy: policy.value as Policy, log: null, now: NOW };
  return admit(found, trusted).then((one) => ('rule' in one ? 'admitted' : one.refusal.reason));
}

it('admits what is signed by whom is trusted now, with its verified text and no more', async () => {
  const trusted = {
    signers: onlySigner(key.publicKey),
    policy: { version: 1 as const },
    log: null,
    now: NOW,
  };
  const admission = await admit(found, trusted);
  expect(admission).toMatchObject({
    rule: { name: 'rule', origin: { bundleSha256, generation: 'gen-rule' } },
  });
  expect('rule' in admission && { ...admission.rule.files }).toEqual(files);
});

it.each([
  ['a key that was revoked', { signer: { revoked: 'lost' } }, 'key_revoked'],
  ['a key whose time was over', { signer: { notAfter: '2025-12-31T00:00:00.000Z' } }, 'key_expired'],
  [
    'a key whose time had not begun',
    { signer: { notBefore: '2026-02-01T00:00:00.000Z' } },
    'key_not_yet_valid',
  ],
  ['a time to come', { signers: { now: '2025-06-01T00:00:00.000Z' } }, 'signed_in_future'],
  ['nobody known', { signers: { byKeyId: new Map() } }, 'key_unknown'],
  ['too long ago', { policy: { maxAgeDays: 30 } }, 'too_old'],
  ['too few cases', { policy: { minCases: { invalid: 2 } } }, 'too_few_cases'],
  ['no confirmation', { policy: { confirmation: true } }, 'not_confirmed'],
  ['somebody else than is asked for', { policy: { signers: ['someone'] } }, 'signer_not_allowed'],
  ['no proof of its log', { policy: { logged: true } }, 'not_logged'],
])('refuses what was signed by or with %s', async (_what, over, reason) => {
  expect(await reasonFor(over)).toBe(reason);
});

it('refuses a bundle that was revoked', async () => {
  const revokedBundles = new Map([[bundleSha256, 'wrong on generics']]);
  expect(await reasonFor({ signers: { revokedBundles } })).toBe('bundle_revoked');
});

it('refuses what would need a network', async () => {
  const state = (statement: Statement): Statement => {
    const { rule } = statement.predicate;
    const capabilities = { ...rule.capabilities, imports: ['node:https'], usesNetwork: true };
    return { ...statement, predicate: { ...statement.predicate, rule: { ...rule, capabilities } } };
  };
  const signed = await signDirectory(key, { name: 'net', files, state });
  const directory = await installRule(root, 'net', signed.files);
  const policy = { version: 1 as const, egress: ['api.example.com'] };
  const trusted = { signers: onlySigner(key.publicKey), policy, log: null, now: NOW };
  expect(await admit({ name: 'net', directory }, trusted)).toMatchObject({
    refusal: { reason: 'egress_not_granted' },
    origin: { bundleSha256: signed.bundleSha256 },
  });
});
