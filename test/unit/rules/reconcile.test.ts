/** Which held files may run, over lists that are easy to see through. */
import { describe, expect, test } from 'vitest';
import { type BlessedRule, reconcile } from '../../../src/rules/reconcile.ts';

const at = (name: string, folder = '.taskless/rules/runtime') => `${folder}/${name}/check.ts`;
const rule = (name: string, signature: string, ruleId = `id-${name}-${signature}`): BlessedRule => ({
  ruleId,
  name,
  signature,
});

describe('several versions of a rule', () => {
  const versions = [rule('a', 'new'), rule('a', 'old')];

  test('both run; a third is unsafe, and the newest is expected', () => {
    expect(reconcile(versions, [{ file: at('a'), signature: 'old' }])).toMatchObject({
      run: [{ ruleId: 'id-a-old' }],
      missing: [],
    });
    expect(reconcile(versions, [{ file: at('a'), signature: 'else' }])).toMatchObject({
      run: [],
      unsafe: [{ file: at('a'), expected: 'new', got: 'else' }],
      missing: [],
    });
  });

  test('missing is said once, of the newest', () => {
    expect(reconcile(versions, []).missing).toEqual([{ ruleId: 'id-a-new', file: at('a') }]);
  });
});

test('of two rules with one content, the one of that name is meant', () => {
  const twins = [rule('b', 'same'), rule('a', 'same')];
  const { run, missing } = reconcile(twins, [{ file: at('a'), signature: 'same' }]);
  expect(run).toEqual([{ ruleId: 'id-a-same', file: at('a'), signature: 'same' }]);
  expect(missing).toEqual([]);
});

test.each([
  '.taskless/rules/runtime',
  '.taskless/runtime-rules',
  '.taskless/runtime/rules',
  'sub/.taskless/rules/runtime',
])('a name is read in %s', (folder) => {
  const file = at('a', folder);
  expect(reconcile([rule('a', 's')], [{ file, signature: 'x' }]).unsafe).toEqual([
    { file, expected: 's', got: 'x' },
  ]);
});

test.each([
  'a/check.ts',
  '.taskless/rules/runtime/a/b/check.ts',
  '.taskless/rules/sg/a/check.ts',
  'check.ts',
])('%s has none', (file) =>
  expect(reconcile([rule('a', 's')], [{ file, signature: 'x' }]).unknown).toEqual([{ file }]),
);

test('names of the language itself are names', () => {
  const file = at('__proto__');
  expect(reconcile([], [{ file, signature: 'constructor' }])).toEqual({
    run: [],
    unsafe: [],
    unknown: [{ file }],
    missing: [],
  });
});
