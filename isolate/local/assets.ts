/** The wasm files of installed packages, compiled. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { EngineAssets } from '../narrow/engine.ts';

const { resolve } = createRequire(import.meta.url);

/** Grammars that `@vscode/tree-sitter-wasm` lacks. */
const OWN_PACKAGES: Readonly<Record<string, string>> = {
  html: 'tree-sitter-html/tree-sitter-html.wasm',
  json: 'tree-sitter-json/tree-sitter-json.wasm',
  yaml: '@tree-sitter-grammars/tree-sitter-yaml/tree-sitter-yaml.wasm',
};

export function engineAssets(): EngineAssets {
  return {
    treeSitter: compile(join(dirname(resolve('web-tree-sitter')), 'web-tree-sitter.wasm')),
    astGrep: compile(resolve('@ast-grep/wasm/wasm_bg.wasm')),
    grammar: (name) =>
      compile(
        OWN_PACKAGES[name] === undefined
          ? resolve(`@vscode/tree-sitter-wasm/wasm/tree-sitter-${name}.wasm`)
          : resolve(OWN_PACKAGES[name]),
      ),
  };
}

function compile(path: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(path));
}
