/** What becomes of a check, in a workerd process of its own and in an isolate of a Worker Loader alike. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ISOLATION_FLAGS } from '../../container/protocol.ts';
import { MARKED, request } from '../container/support.ts';
import { type IsolateHost, runCheck, startLoader, startLocal } from './host.ts';
import { loadFixtures } from './support.ts';

const fixtures = await loadFixtures();

describe.each([
  ['workerd', () => startLocal()],
  ['worker-loader', startLoader],
] as const)('%s', (jail, start) => {
  let host: IsolateHost;
  beforeAll(async () => {
    host = await start();
  });
  afterAll(async () => {
    expect(await host.stop()).toBe(0);
  });

  it('measures every wall and finds it standing', async () => {
    const health = (await (await fetch(`${host.url}/healthz`)).json()) as {
      ok: boolean;
      isolation: { jail: string; flags: object };
    };
    const flags = Object.fromEntries(ISOLATION_FLAGS.map((flag) => [flag, true]));
    expect(health).toMatchObject({ ok: true, isolation: { jail, flags } });
  });

  it('hands root and matches over and brings findings and console back', async () => {
    const result = await runCheck(
      host,
      `import { readFileSync } from 'node:fs';
      import { join } from 'node:path';
      console.log('seen', { a: 1 });
      export default async (root: string, matches: { file: string; line: number; text: string }[]) => {
        await null;
        return matches.map(({ file, line, text }) => ({
          file, line, severity: 'warning' as const, message: text + readFileSync(join(root, file), 'utf8').length,
        }));
      };\n`,
    );
    expect(result).toMatchObject({
      outcome: 'exited',
      findings: [{ file: 'src/a.ts', line: 2, severity: 'warning', message: 'mark(a)22' }],
      console: 'seen { a: 1 }\n',
    });
    expect(result).not.toHaveProperty('error');
  });

  const ENDS: readonly (readonly [name: string, check: string, end: object])[] = [
    ['undefined', 'export default () => undefined;\n', { outcome: 'exited', findings: [] }],
    [
      'throws',
      '\n\nexport default () => {\n  throw new TypeError("no");\n};\n',
      { outcome: 'exited', error: { name: 'TypeError', message: 'no', line: 4 } },
    ],
    [
      'throws a primitive',
      'export default () => { throw 7; };\n',
      { outcome: 'exited', error: { name: 'Thrown', message: '7' } },
    ],
    [
      'throws at load',
      'throw new RangeError("early");\n',
      { outcome: 'exited', error: { name: 'RangeError', line: 1 } },
    ],
    ['no default export', 'export const a = 1;\n', { outcome: 'exited', error: { name: 'NoDefaultExport' } }],
    [
      'top-level await',
      'await 1;\nexport default () => [];\n',
      { outcome: 'exited', error: { name: 'TopLevelAwait' } },
    ],
    [
      'never settles',
      'export default () => new Promise(() => {});\n',
      { outcome: 'exited', error: { name: 'NeverSettled' } },
    ],
    [
      'an enum',
      'export default () => [];\nenum A { B }\n',
      { outcome: 'exited', error: { name: 'SyntaxError', line: 2 } },
    ],
    [
      'what only V8 refuses',
      'let a = 1;\nlet a = 2;\nexport default () => [];\n',
      { outcome: 'exited', error: { name: 'SyntaxError', line: 2 } },
    ],
    [
      'an import that is not there',
      "import { nope } from 'node:path';\nexport default () => [nope];\n",
      { outcome: 'exited', error: { name: 'SyntaxError' } },
    ],
    ['exits early', 'export default () => process.exit(0);\n', { outcome: 'invalid_result' }],
    [
      'ends with a status',
      'export default () => { process.exitCode = 3; return []; };\n',
      { outcome: 'exited', error: { name: 'NonZeroExit' } },
    ],
    [
      'throws after its result',
      'export default () => { setTimeout(() => { throw new Error("x"); }, 5); return []; };\n',
      { outcome: 'exited', error: { name: 'NonZeroExit' } },
    ],
    [
      'leaves a rejection',
      'export default () => { void Promise.reject(new Error("x")); return []; };\n',
      { outcome: 'exited', error: { name: 'NonZeroExit' } },
    ],
    ['is no array', 'export default () => ({});\n', { outcome: 'invalid_result' }],
    [
      'a wrong finding',
      'export default () => [{ file: "../a", message: "m" }];\n',
      { outcome: 'invalid_result' },
    ],
    [
      'a hostile finding',
      'export default () => [{ file: "a", get message() { return { toJSON: () => "x" }; } }];\n',
      { outcome: 'invalid_result' },
    ],
    [
      'patches what the harness uses',
      'JSON.stringify = () => "[]"; Array.isArray = () => false; Promise.race = () => 1; globalThis.Response = null;\nexport default () => [{ file: "a", message: "m" }];\n',
      { outcome: 'exited', findings: [{ file: 'a', message: 'm' }] },
    ],
    [
      'too deep a recursion',
      'const f = (): number => f() + 1;\nexport default () => f();\n',
      { outcome: 'exited', error: { name: 'RangeError' } },
    ],
  ];
  it.each(ENDS)('%s', async (_name, check, end) => {
    expect(await runCheck(host, check)).toMatchObject(end);
  });

  it('shows a check nothing of another case', async () => {
    const nosy = `import * as fs from 'node:fs';
      const seen = (globalThis as { seen?: number }).seen ?? 0;
      (globalThis as { seen?: number }).seen = seen + 1;
      export default (root: string) => {
        const old = fs.readdirSync('/tmp');
        fs.writeFileSync('/tmp/left', 'x');
        return [{ file: 'a', message: [seen, ...old, ...fs.readdirSync(root)].join() }];
      };\n`;
    const cases = ['one', 'two', 'three'].map((name, index) => ({
      id: `c${index}`,
      files: { ...MARKED.files, [name]: '' },
    }));
    const { results } = await host.verify(request(nosy, { cases }));
    expect(results.map(({ findings }) => findings[0]?.message)).toEqual([
      '0,one,src',
      '0,src,two',
      '0,src,three',
    ]);
  });

  it('gives trees where nothing matched', async () => {
    const result = await runCheck(host, 'export default () => [];\n', 5_000, { 'src/a.ts': 'other(1);\n' });
    expect(result).toMatchObject({ stage: 'narrow', outcome: 'exited', matchCount: 0 });
    expect(result.trees[0]?.text).toContain('call_expression 1:1');
  });

  it('gives no verdict on what it cannot run', async () => {
    const source = 'mark(a;\nclass {\n';
    const result = await runCheck(host, 'export default () => [];\n', 5_000, { 'src/a.ts': source });
    expect(result).toMatchObject({ outcome: 'host_error', error: { name: 'Unsupported' } });
  });

  it.each(fixtures.map((fixture) => [fixture.id, fixture] as const))(
    'verifies fixture %s',
    async (_id, fixture) => {
      const rule = fixture.rules.at(-1)?.[1];
      if (rule === undefined) throw new Error('no rule');
      const { capabilities: _facts, ...input } = rule;
      const cases = fixture.cases.map(({ files }, index) => ({ id: `c${index}`, files }));
      const { results } = await host.verify({
        ...request(''),
        rule: input,
        cases,
        limits: { caseTimeoutMs: 10_000, totalTimeoutMs: 90_000 },
      });
      for (const [index, one] of fixture.cases.entries()) {
        const result = results[index];
        expect(result?.outcome, one.name).toBe('exited');
        expect(result?.error, one.name).toBeUndefined();
        expect((result?.findings.length ?? 0) > 0, one.name).toBe(one.kind === 'invalid');
      }
    },
  );
});
