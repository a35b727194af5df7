/** The wasm narrow finds exactly what ast-grep's command line finds. */
import { describe, expect, it } from 'vitest';
import { narrowAll } from '../../isolate/jobs.ts';
import { unsupported } from '../../isolate/needs.ts';
import { askCommandLine, inOrder, loadFixtures, sharedEngine } from './support.ts';

const fixtures = await loadFixtures();

describe.each(fixtures)('fixture $id', ({ rules, cases }) => {
  const last = rules.at(-1)?.[0];
  it.each(rules)('reply %s: the same matches in every case', async (reply, rule) => {
    expect(unsupported({ rule, imports: rule.capabilities.imports, cases })).toBeNull();
    const result = await narrowAll(
      await sharedEngine(),
      rule,
      cases.map((one) => one.files),
    );
    if (!('narrowed' in result)) throw new Error(result.unsupported);
    let found = 0;
    for (const [index, one] of cases.entries()) {
      const oracle = askCommandLine(rule, one.files);
      const narrowed = result.narrowed[index];
      if ('refused' in oracle) {
        expect(narrowed?.ending?.error?.name).toBe('NarrowFailed');
        continue;
      }
      expect(narrowed?.ending).toBeUndefined();
      expect(inOrder(narrowed?.matches ?? []), one.name).toEqual(inOrder(oracle.matches));
      found += oracle.matches.length;
    }
    // Only the last reply is known to be right.
    if (reply === last) expect(found).toBeGreaterThan(0);
  });
});
