/** Grammars, engines and the room's scripts, as modules of the Worker's bundle. */
import astGrep from '@ast-grep/wasm/wasm_bg.wasm';
import yaml from '@tree-sitter-grammars/tree-sitter-yaml/tree-sitter-yaml.wasm';
import css from '@vscode/tree-sitter-wasm/wasm/tree-sitter-css.wasm';
import go from '@vscode/tree-sitter-wasm/wasm/tree-sitter-go.wasm';
import java from '@vscode/tree-sitter-wasm/wasm/tree-sitter-java.wasm';
import javascript from '@vscode/tree-sitter-wasm/wasm/tree-sitter-javascript.wasm';
import python from '@vscode/tree-sitter-wasm/wasm/tree-sitter-python.wasm';
import ruby from '@vscode/tree-sitter-wasm/wasm/tree-sitter-ruby.wasm';
import rust from '@vscode/tree-sitter-wasm/wasm/tree-sitter-rust.wasm';
import tsx from '@vscode/tree-sitter-wasm/wasm/tree-sitter-tsx.wasm';
import typescript from '@vscode/tree-sitter-wasm/wasm/tree-sitter-typescript.wasm';
import html from 'tree-sitter-html/tree-sitter-html.wasm';
import json from 'tree-sitter-json/tree-sitter-json.wasm';
import treeSitter from 'web-tree-sitter/web-tree-sitter.wasm';
import answer from '../../container/room/answer.cjs';
import type { RoomScripts } from '../bundle.ts';
import type { EngineAssets } from '../narrow/engine.ts';
import fileSystem from '../room/file-system.mjs';
import fs from '../room/fs.mjs';
import fsPromises from '../room/fs-promises.mjs';
import harness from '../room/harness.mjs';

const grammars: Readonly<Record<string, WebAssembly.Module>> = {
  ...{ css, go, html, java, javascript, json, python, ruby, rust, tsx, typescript, yaml },
};

export const ENGINE_ASSETS: EngineAssets = {
  treeSitter,
  astGrep,
  grammar(name) {
    const found = grammars[name];
    if (found === undefined) throw new Error(`there is no grammar for ${name}`);
    return found;
  },
};

export const ROOM_SCRIPTS = { harness, answer, fileSystem, fs, fsPromises } as unknown as RoomScripts;
