/**
 * ast-grep as WebAssembly, with tree-sitter and its grammars, in Node and in workerd alike. Both packages
 * expect a browser or a bundler; the three adaptations here replace what they would load by themselves
 * with modules that are handed in, compiled already, because workerd compiles none at run time.
 */
import * as astGrep from '@ast-grep/wasm/wasm_bg.js';
import { Language as Grammar, Parser } from 'web-tree-sitter';
import type { RuleConfig } from './capture.ts';
import type { Language } from './languages.ts';

export interface EngineAssets {
  readonly treeSitter: WebAssembly.Module;
  readonly astGrep: WebAssembly.Module;
  grammar(name: string): WebAssembly.Module;
}

/** A source that was parsed; to be freed. */
export interface Parsed {
  readonly hasErrors: boolean;
  findAll(config: RuleConfig, variables: readonly string[]): Found[];
  /** Named nodes in source order, with their depth. */
  nodes(): IterableIterator<TreeNode>;
  free(): void;
}

export interface Found {
  /** 0-based; columns and the index count UTF-16 units. */
  readonly line: number;
  readonly column: number;
  readonly index: number;
  readonly text: string;
  readonly captures: Readonly<Record<string, string>>;
}

export interface TreeNode {
  readonly depth: number;
  readonly kind: string;
  readonly field: string | null;
  readonly start: { readonly row: number; readonly column: number };
  readonly end: { readonly row: number; readonly column: number };
}

export interface Engine {
  /** Compiles the grammar on its first use. */
  prepare(language: Language): Promise<void>;
  parse(language: Language, source: string): Parsed;
}

export async function createEngine(assets: EngineAssets): Promise<Engine> {
  await startTreeSitter(assets.treeSitter);
  const { exports } = await WebAssembly.instantiate(assets.astGrep, {
    './wasm_bg.js': astGrep as unknown as Record<string, WebAssembly.ImportValue>,
  });
  astGrep.__wbg_set_wasm(exports);
  (exports.__wbindgen_start as () => void)();
  await astGrep.initializeTreeSitter();
  loadGrammarsFrom(assets);
  const prepared = new Set<string>();
  return {
    async prepare({ name, expando }) {
      if (prepared.has(name)) return;
      const options = { libraryPath: name, ...(expando === undefined ? {} : { expandoChar: expando }) };
      await astGrep.registerDynamicLanguage({ [name]: options });
      prepared.add(name);
    },
    parse: ({ name }, source) => parsed(astGrep.parse(name, source)),
  };
}

/** tree-sitter takes any process for Node's and would look for a file. */
async function startTreeSitter(module: WebAssembly.Module): Promise<void> {
  const shown = process as { type?: string };
  const before = shown.type;
  shown.type = 'renderer';
  try {
    await Parser.init({
      locateFile: (file: string) => file,
      instantiateWasm: (
        imports: WebAssembly.Imports,
        done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
      ) => {
        void WebAssembly.instantiate(module, imports).then((instance) => done(instance, module));
        return {};
      },
    });
  } finally {
    if (before === undefined) delete shown.type;
    else shown.type = before;
  }
}

/**
 * A grammar is loaded from bytes. It gets the one section of them that is read before instantiation, and
 * the compiled module is put in when that is instantiated.
 */
function loadGrammarsFrom(assets: EngineAssets): void {
  const load = Grammar.load.bind(Grammar);
  Grammar.load = async (name) => {
    const module = assets.grammar(String(name));
    const header = linkingSection(module);
    const own = WebAssembly.instantiate;
    const swap = async (source: unknown, imports?: WebAssembly.Imports): Promise<unknown> => {
      if (source !== header) return own(source as WebAssembly.Module, imports);
      return { module, instance: await own(module, imports) };
    };
    WebAssembly.instantiate = swap as typeof WebAssembly.instantiate;
    try {
      return await load(header);
    } finally {
      WebAssembly.instantiate = own;
    }
  };
}

const LINKING = 'dylink.0';

/** The smallest binary that holds the module's linking section: magic, version, section. */
function linkingSection(module: WebAssembly.Module): Uint8Array {
  const [section] = WebAssembly.Module.customSections(module, LINKING);
  if (section === undefined) throw new Error('the grammar has no linking section');
  const name = new TextEncoder().encode(LINKING);
  const body = [...varint(name.length), ...name, ...new Uint8Array(section)];
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, ...varint(body.length), ...body]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

function parsed(root: astGrep.SgRoot): Parsed {
  const tree = root.getInnerTree();
  return {
    hasErrors: tree.rootNode.hasError,
    findAll: (config, variables) => findAll(root, config, variables),
    nodes: () => nodesOf(tree),
    free() {
      tree.delete();
      root.free();
    },
  };
}

function findAll(root: astGrep.SgRoot, config: RuleConfig, variables: readonly string[]): Found[] {
  const top = root.root();
  try {
    return top.findAll(config).map((node) => {
      const range = node.range();
      const { start } = range;
      const { line, column, index } = start;
      const captures: Record<string, string> = {};
      for (const name of variables) {
        const bound = node.getMatch(name);
        if (bound !== undefined) captures[name] = bound.text();
        bound?.free();
      }
      const found = { line, column, index, text: node.text(), captures };
      start.free();
      range.free();
      node.free();
      return found;
    });
  } finally {
    top.free();
  }
}

function* nodesOf(tree: astGrep.Tree): IterableIterator<TreeNode> {
  const cursor = tree.walk();
  try {
    let depth = 0;
    for (;;) {
      if (cursor.nodeIsNamed) {
        const { nodeType: kind, currentFieldName: field, startPosition: start, endPosition: end } = cursor;
        yield { depth, kind, field, start, end };
      }
      if (cursor.gotoFirstChild()) {
        depth += 1;
        continue;
      }
      while (!cursor.gotoNextSibling()) {
        if (!cursor.gotoParent()) return;
        depth -= 1;
      }
    }
  } finally {
    cursor.delete();
  }
}
