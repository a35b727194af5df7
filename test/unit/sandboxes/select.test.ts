/** The choice of sandboxes: every combination of what is configured and what a rule needs. */
import { describe, expect, test } from 'vitest';
import { type SandboxPolicy, selectSandboxes } from '../../../src/sandboxes/select.ts';
import { SANDBOX_KINDS, type SandboxKind } from '../../../src/schema/report.ts';

const policy = (...available: [SandboxKind, ...SandboxKind[]]): SandboxPolicy => ({
  preferred: available[0],
  available,
  agreement: 'required-where-possible',
});
const PROBLEM = 'it starts processes';

const choose = (given: SandboxPolicy, problem: string | null = null) => {
  const selected = selectSandboxes(given, problem);
  if (!selected.ok) throw new Error(selected.problems[0]?.message);
  return selected.value;
};

describe('choosing sandboxes', () => {
  test.each<[SandboxPolicy, string | null, SandboxKind, SandboxKind | null]>([
    [policy('host'), null, 'host', null],
    [policy('container', 'isolate'), null, 'container', 'isolate'],
    [policy('host', 'container'), null, 'host', 'container'],
    [policy('host', 'container', 'isolate'), null, 'host', 'isolate'],
    [policy('isolate', 'host'), null, 'isolate', 'host'],
    [policy('isolate', 'host'), PROBLEM, 'host', null],
    [policy('isolate', 'container', 'host'), PROBLEM, 'container', 'host'],
    [policy('host', 'isolate'), PROBLEM, 'host', null],
    [policy('isolate'), null, 'isolate', null],
  ])('%j, isolate problem %j: %s, then %s', (given, problem, first, second) => {
    expect(choose(given, problem)).toMatchObject({ first, second });
  });

  test('never chooses an isolate for what it cannot run, nor one back end twice', () => {
    for (const preferred of SANDBOX_KINDS) {
      for (const other of SANDBOX_KINDS.filter((kind) => kind !== preferred)) {
        const { first, second } = choose(policy(preferred, other), PROBLEM);
        expect([first, second]).not.toContain('isolate');
        expect(first).not.toBe(second);
      }
    }
  });

  test('a rule that nothing here can run is refused with the reason', () => {
    const refused = selectSandboxes(policy('isolate'), PROBLEM);
    expect(refused.ok).toBe(false);
    expect(JSON.stringify(refused)).toContain(PROBLEM);
  });

  test('says why', () => {
    expect(choose(policy('host', 'isolate')).because).toBe('host is preferred; isolate must agree');
    expect(choose(policy('host')).because).toContain('no second sandbox is configured');
    expect(choose(policy('host', 'isolate'), PROBLEM).because).toContain(PROBLEM);
    expect(choose({ ...policy('host', 'isolate'), agreement: 'off' })).toMatchObject({
      second: null,
      because: expect.stringContaining('turned off'),
    });
  });
});
