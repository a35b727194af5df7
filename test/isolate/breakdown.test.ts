/** ast-grep in wasm that breaks down on one text: that text has no verdict, and every later one has its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { narrowAll } from '../../isolate/jobs.ts';
import { engineAssets } from '../../isolate/local/assets.ts';
import { createEngine } from '../../isolate/narrow/engine.ts';
import { LANGUAGES } from '../../isolate/narrow/languages.ts';
import { CALLS, request } from '../container/support.ts';
import { type IsolateHost, runCheck, startLoader, startLocal } from './host.ts';
import { ruleOf } from './support.ts';

const DEPTH = 20_000;
/** A pattern so deep that matching it overflows the stack of the module. */
const DEEP = `rule: { pattern: "${'f('.repeat(DEPTH)}$A${')'.repeat(DEPTH)}" }`;
const GOOD = "export default () => [{ file: 'a', message: 'm' }];\n";

describe.each([
  ['workerd', () => startLocal()],
  ['worker-loader', startLoader],
] as const)('%s', (_name, start) => {
  let host: IsolateHost;
  beforeAll(async () => {
    host = await start();
  });
  afterAll(async () => {
    expect(await host.stop()).toBe(0);
  });

  it('serves the next request as if nothing had been', async () => {
    const base = request(GOOD);
    const yaml = `id: calls-1\nlanguage: typescript\n${DEEP}\nmetadata: { taskless: { kind: runtime, name: calls } }\n`;
    for (let round = 0; round < 3; round += 1) {
      const { results } = await host.verify({
        ...base,
        rule: { files: { ...base.rule.files, [CALLS.file]: yaml }, captures: base.rule.captures },
      });
      expect(results.map(({ outcome, error }) => [outcome, error?.name])).toEqual(
        base.cases.map(() => ['host_error', 'Unsupported']),
      );
      expect(await runCheck(host, GOOD)).toMatchObject({ outcome: 'exited', findings: [{ file: 'a' }] });
    }
  });
});

it('an engine takes the place of another within one event, with all of its languages', async () => {
  const assets = engineAssets();
  const rule = ruleOf('typescript', 'rule: { pattern: mark($A) }');
  const first = await createEngine(assets);
  for (const language of LANGUAGES) await first.prepare(language);
  let turns = 0;
  const turn = setImmediate(() => {
    turns += 1;
  });
  expect(await narrowAll(first, ruleOf('typescript', DEEP), [{ 'a.ts': 'mark(1);\n' }])).toEqual({
    unsupported: expect.stringContaining('broke down'),
  });
  const second = await createEngine(assets);
  for (const language of LANGUAGES) await second.prepare(language);
  const again = await narrowAll(second, rule, [{ 'a.ts': 'mark(1); mark(2);\n' }]);
  expect(turns).toBe(0);
  clearImmediate(turn);
  expect(again).toMatchObject({ narrowed: [{ matches: [{ text: 'mark(1)' }, { text: 'mark(2)' }] }] });
});
