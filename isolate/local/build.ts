/** Which isolate host answered: a digest over its sources, those it shares, and the versions it runs on. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { sourceDigest } from '../../container/build.ts';
import type { HostBuild } from '../../container/protocol.ts';

const PACKAGES = [
  '@ast-grep/wasm',
  '@swc/wasm-typescript-esm',
  '@tree-sitter-grammars/tree-sitter-yaml',
  '@vscode/tree-sitter-wasm',
  'tree-sitter-html',
  'tree-sitter-json',
  'web-tree-sitter',
  'workerd',
  'yaml',
];

export function isolateBuild(): HostBuild {
  const root = join(import.meta.dirname, '../..');
  const parts = ['isolate', 'container'].map((folder) => sourceDigest(join(root, folder)));
  const versions = PACKAGES.map((name) => `${name}@${version(name)}`);
  const id = createHash('sha256')
    .update([...parts, ...versions].join('\n'))
    .digest('hex');
  return {
    id: `sha256:${id}`,
    node: `workerd ${version('workerd')}`,
    astGrep: `${version('@ast-grep/wasm')} wasm`,
  };
}

/** Read from the file itself: not every package lets its own description be imported. */
function version(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const file = folders.map((folder) => join(folder, name, 'package.json')).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`${name} is not installed: npm install`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
