/** The part of `@ast-grep/wasm` that is used; the package types its bundler entry only. */
declare module '@ast-grep/wasm/wasm_bg.js' {
  import type { Tree } from 'web-tree-sitter';

  export type { Tree };
  export class SgNode {
    free(): void;
    findAll(matcher: unknown): SgNode[];
    getMatch(name: string): SgNode | undefined;
    range(): Range;
    text(): string;
  }
  export class Range {
    free(): void;
    readonly start: Pos;
  }
  export class Pos {
    free(): void;
    readonly line: number;
    readonly column: number;
    readonly index: number;
  }
  export class SgRoot {
    free(): void;
    root(): SgNode;
    getInnerTree(): Tree;
  }
  export function __wbg_set_wasm(exports: WebAssembly.Exports): void;
  export function initializeTreeSitter(): Promise<void>;
  export function registerDynamicLanguage(
    languages: Record<string, { libraryPath: string; expandoChar?: string }>,
  ): Promise<void>;
  export function parse(language: string, source: string): SgRoot;
}
