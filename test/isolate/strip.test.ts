/** The two strippers, Node's own and the one of the isolate Worker, say the same of the same source. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StripResult } from '../../isolate/jobs.ts';
import { Kitchen } from '../../isolate/local/kitchen.ts';
import { ROOT } from '../container/support.ts';
import { loadFixtures } from './support.ts';

interface Swc {
  initSync(options: { module: WebAssembly.Module }): void;
  transformSync(source: string, options: object): { code: string };
}

const fixtures = await loadFixtures();
let kitchen: Kitchen;
let swc: Swc;
beforeAll(async () => {
  kitchen = new Kitchen(1);
  await kitchen.warmUp();
  const folder = join(ROOT, 'node_modules/@swc/wasm-typescript-esm');
  swc = (await import(pathToFileURL(join(folder, 'wasm.js')).href)) as Swc;
  swc.initSync({ module: new WebAssembly.Module(readFileSync(join(folder, 'wasm_bg.wasm'))) });
});
afterAll(() => kitchen.close());

async function byNode(source: string): Promise<StripResult> {
  const done = await kitchen.run('strip', [source], 20_000, new AbortController().signal);
  if (!('value' in done)) throw new Error(JSON.stringify(done));
  return done.value;
}

/** As `isolate/room/strip.mjs` calls it. */
function bySwc(source: string): StripResult {
  try {
    return { code: swc.transformSync(source, { mode: 'strip-only', deprecatedTsModuleAsError: true }).code };
  } catch (thrown) {
    const { message, startLine } = thrown as { message?: unknown; startLine?: unknown };
    return {
      error: { message: String(message), ...(typeof startLine === 'number' ? { line: startLine } : {}) },
    };
  }
}

const SOURCES: readonly string[] = [
  '',
  '// nothing\n',
  'export default (a: string, b?: number): unknown[] => [a, b as never];\n',
  'interface A { a: string }\ntype B<T> = T extends A ? 1 : 2;\nexport default function f<T>(this: void, x: T): B<T> { return x! as any; }\n',
  "import type { A } from 'x';\nimport { type B, c } from 'node:fs';\nexport type { A };\nexport default c;\n",
  'class A<T> { private readonly x: number = 1; declare y: string; static #z?: T; constructor(a: string) {} abstract; }\nexport default A;\n',
  'abstract class A { abstract m(): void; override n(): void {} }\nexport default A;\n',
  'const a = <T,>(x: T): x is T => true;\nexport default a satisfies unknown;\n',
  'let x: number\n;[1].map(String)\nexport default () => x\n',
  'return_: for (const a of [] as string[]) continue return_;\nexport default () => (<any>1);\n',
  'export default () => { const é: string = "😀"; return `$' + '{é as string}`; };\n',
  'function f(): string;\nfunction f(a?: string): string { return a ?? ""; }\nexport default f;\n',
  'declare const a: number;\ndeclare module "x" {}\ndeclare global { var b: 1 }\nexport default () => [];\n',
  'using a = null;\nexport default () => a;\n',
  '#!/usr/bin/env node\nexport default () => [];\n',
  '\ufeffexport default (a: 1) => a;\n',
  'export default (a: 1) => a;\r\nconst b: 2 = 2;\r\n',
  'enum A { B }\n',
  '\n\nnamespace N { export const a = 1; }\n',
  'module M {}\n',
  'class A { constructor(private a: string) {} }\n',
  "import a = require('x');\n",
  'export = 1;\n',
  '@d class A {}\nexport default A;\n',
  'const a: = 1;\n',
  'export default () => {\n  return [;\n};\n',
  'let a = 1;\nlet a = 2;\n',
  'const x = <div/>;\n',
  '"\\u{110000}";\n',
  'a ?? b || c;\n',
  'export default (\n',
  '`unclosed',
  '\u2028export default 1\u2029',
];

describe('the same of', () => {
  it.each(SOURCES.map((source) => [JSON.stringify(source).slice(0, 60), source]))(
    '%s',
    async (_name, source) => {
      const [node, own] = [await byNode(source), bySwc(source)];
      if ('code' in node) expect(own).toEqual(node);
      else
        expect(own).toMatchObject({ error: node.error.line === undefined ? {} : { line: node.error.line } });
    },
  );

  const checks = fixtures.flatMap(({ id, rules }) =>
    rules.flatMap(([reply, { files }]) => {
      const source = files['check.ts'];
      return source === undefined ? [] : [[id, reply, source] as const];
    }),
  );
  it.each(checks)('fixture %s, reply %s', async (_id, _reply, source) => {
    const node = await byNode(source);
    expect(node).toHaveProperty('code');
    expect(bySwc(source)).toEqual(node);
  });

  it('attacks', async () => {
    const folder = join(ROOT, 'fixtures/hostile');
    let compared = 0;
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      // What breaks a stripper down is compared by nobody: it is thrown away afterwards.
      if (!entry.endsWith('.ts') || /deep-/.test(entry)) continue;
      const source = readFileSync(join(folder, entry), 'utf8');
      const node = await byNode(source);
      if ('code' in node) expect(bySwc(source), entry).toEqual(node);
      else expect(bySwc(source), entry).toHaveProperty('error');
      compared += 1;
    }
    expect(compared).toBeGreaterThan(100);
  });
});
