import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Predicate } from '../../../src/schema/statement.ts';
import {
  DEFAULT_POLICY,
  type Policy,
  parsePolicy,
  policySchema,
  VIOLATIONS,
  violations,
} from '../../../src/signing/policy.ts';
import { onlySigner } from '../../../src/signing/signers.ts';
import { type Opened, openBundle } from '../../../src/signing/verify.ts';
import { signedRule } from '../../support/signed.ts';

let opened: Opened;
beforeAll(async () => {
  const { bundle, publicKey } = await signedRule();
  const result = await openBundle(bundle, onlySigner(publicKey));
  if (!result.ok) throw new Error(result.message);
  opened = result;
});

/** Signed on 2026-01-01, one valid and one invalid case, by model `m`, in a host, nothing confirmed. */
const NOW = '2026-02-01T00:00:00.000Z';
const reasons = (
  policy: Omit<Policy, 'version'>,
  change: (predicate: Predicate) => void = () => {},
  logged = false,
) => {
  const statement = structuredClone(opened.statement);
  change(statement.predicate);
  const found = violations({ version: 1, ...policy }, { ...opened, statement }, { now: NOW, logged });
  return found.map(({ reason }) => reason);
};

const flagDown = (predicate: Predicate): void => {
  predicate.sandbox.isolation.flags.dnsBlocked = false;
};

describe('a policy that asks for', () => {
  test.each<[string, Omit<Policy, 'version'>, string[]]>([
    ['nothing', {}, []],
    ['another signer', { signers: ['production'] }, ['signer_not_allowed']],
    ['more valid cases', { minCases: { valid: 2 } }, ['too_few_cases']],
    ['more of both', { minCases: { valid: 2, invalid: 2 } }, ['too_few_cases', 'too_few_cases']],
    ['as many cases', { minCases: { valid: 1, invalid: 1 } }, []],
    ['held-out cases', { minHeldOut: 1 }, ['too_few_held_out']],
    ['variants', { minVariants: 1 }, ['too_few_variants']],
    ['a container', { sandboxes: ['container'] }, ['sandbox_not_allowed']],
    ['one of several sandboxes', { sandboxes: ['container', 'host'] }, []],
    ['a confirmation', { confirmation: true }, ['not_confirmed']],
    ['no confirmation', { confirmation: false }, []],
    ['another model', { models: ['other'] }, ['model_not_allowed']],
    ['its model', { models: ['m'] }, []],
    ['youth', { maxAgeDays: 30 }, ['too_old']],
    ['youth that it has', { maxAgeDays: 31 }, []],
    ['a log entry', { logged: true }, ['not_logged']],
  ])('%s', (_name, policy, expected) => {
    expect(reasons(policy)).toEqual(expected);
  });

  test('what the check may do', () => {
    const reads = (predicate: Predicate): void => {
      Object.assign(predicate.rule.capabilities, { imports: ['node:fs', 'node:path'], readsFiles: true });
    };
    expect(reasons({ forbid: ['readsFiles'] }, reads)).toEqual(['capability_forbidden']);
    expect(reasons({ forbid: ['usesNetwork', 'startsProcesses'] }, reads)).toEqual([]);
    expect(reasons({ imports: ['node:path'] }, reads)).toEqual(['import_not_allowed']);
    expect(reasons({ imports: ['node:path', 'node:fs'] }, reads)).toEqual([]);
  });

  test('walls, all of them unless it names some', () => {
    expect(reasons({}, flagDown)).toEqual(['isolation_missing']);
    expect(reasons({ isolation: ['tcpBlocked'] }, flagDown)).toEqual([]);
    expect(reasons({ isolation: ['tcpBlocked', 'dnsBlocked'] }, flagDown)).toEqual(['isolation_missing']);
  });

  test('a log entry that is there', () => {
    expect(reasons({ logged: true }, () => {}, true)).toEqual([]);
  });

  test('a signer by name or by key id', () => {
    expect(reasons({ signers: [opened.signer.key.keyId] })).toEqual([]);
    expect(reasons({ signers: [opened.signer.name] })).toEqual([]);
  });
});

test('everything that falls short is told at once', () => {
  const strict: Omit<Policy, 'version'> = {
    ...{ signers: ['x'], minCases: { valid: 9 }, minHeldOut: 1, minVariants: 1, sandboxes: ['container'] },
    ...{
      confirmation: true,
      models: ['x'],
      maxAgeDays: 1,
      logged: true,
      forbid: ['readsFiles'],
      imports: [],
      engines: ['sg'],
    },
  };
  const found = reasons(strict, (predicate) => {
    flagDown(predicate);
    Object.assign(predicate.rule.capabilities, { imports: ['node:fs'], readsFiles: true });
  });
  expect([...new Set(found)].sort()).toEqual([...VIOLATIONS].sort());
});

test('a stricter policy never allows more', () => {
  const policies = fc.record(
    {
      minHeldOut: fc.nat(2),
      maxAgeDays: fc.integer({ min: 1, max: 60 }),
      confirmation: fc.boolean(),
      logged: fc.boolean(),
      models: fc.constantFrom('m', 'other').map((model) => [model]),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(policies, policies, (one, other) => {
      const both = reasons({ ...one, ...other });
      for (const reason of reasons(other)) expect(both).toContain(reason);
    }),
  );
});

test.each([
  [null],
  [[]],
  ['x'],
  [{}],
  [{ version: 2 }],
  [{ version: 1, minCase: { valid: 1 } }],
  [{ version: 1, minCases: { valid: -1 } }],
  [{ version: 1, isolation: ['noWalls'] }],
  [{ version: 1, signers: [] }],
  [{ version: 1, forbid: ['imports'] }],
  [{ version: 1, egress: ['*'] }],
  [{ version: 1, egress: ['*.example.com'] }],
  [{ version: 1, egress: ['127.0.0.1'] }],
  [{ version: 1, egress: ['localhost'] }],
  [{ version: 1, egress: ['API.example.com'] }],
  [{ version: 1, egress: ['https://api.example.com'] }],
])('%j is no policy', (value) => {
  expect(parsePolicy(value).ok).toBe(false);
});

test('the default asks for nothing but walls; hosts are granted by name', () => {
  expect(policySchema.parse(DEFAULT_POLICY)).toEqual({ version: 1 });
  expect(parsePolicy({ version: 1, egress: ['api.example.com', 'api.example.com:8443'] }).ok).toBe(true);
});
