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

/**
 * Also takes the place of an engine that broke down: of that nothing is used again but tree-sitter and the
 * grammars it has loaded. Once tree-sitter has started, this and `prepare()` wait for nothing outside: no other
 * event comes between. Of several callers in one event only one may be at work.
 */
export async function createEngine(assets: EngineAssets): Promise<Engine> {
  if (memory === undefined) await startTreeSitter(assets.treeSitter);
  const { exports } = new WebAssembly.Instance(assets.astGrep, {
    './wasm_bg.js': astGrep as unknown as Record<string, WebAssembly.ImportValue>,
  });
  // The bindings keep views of the memory; growing the old one takes them from them.
  memory?.grow(1);
  memory = exports.memory as WebAssembly.Memory;
  astGrep.__wbg_set_wasm(withoutFinalizers(exports));
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

/** Of the ast-grep that is in use. */
let memory: WebAssembly.Memory | undefined;

/**
 * What the collector would free of an engine that was replaced, it would free in the one that took its place.
 * Everything is freed by hand here, but what a breakdown left.
 */
function withoutFinalizers(exports: WebAssembly.Exports): WebAssembly.Exports {
  const changed = Object.entries(exports).map(([name, one]) => {
    if (name === '__wbindgen_destroy_closure') return [name, () => {}];
    if (!/^__wbg_\w+_free$/.test(name)) return [name, one];
    const free = one as (pointer: number, isFinalizer: number) => void;
    return [name, (pointer: number, isFinalizer: number) => isFinalizer === 1 || free(pointer, isFinalizer)];
  });
  return Object.fromEntries(changed) as WebAssembly.Exports;
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
  Grammar.load = async (name) => {
    const known = grammars.get(String(name));
    if (known !== undefined) return known;
    const module = assets.grammar(String(name));
    const header = linkingSection(module);
    compiled.set(header, module);
    const grammar = await loadGrammar(header);
    grammars.set(String(name), grammar);
    return grammar;
  };
}

const loadGrammar = Grammar.load.bind(Grammar);
/** They are tree-sitter's, and stay loaded as long as that. */
const grammars = new Map<string, Grammar>();
/** By the bytes that stand for them. */
const compiled = new WeakMap<object, WebAssembly.Module>();

const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = (async (source: WebAssembly.Module, imports?: WebAssembly.Imports) => {
  const module = compiled.get(source);
  if (module === undefined) return instantiate(source, imports);
  // At once, so that nobody else's work comes between: the module is compiled already.
  return { module, instance: new WebAssembly.Instance(module, imports) };
}) as unknown as typeof WebAssembly.instantiate;

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
      freed(root);
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
    freed(top);
  }
}

/** What broke down does not let itself be freed, and says so instead of why. */
function freed(one: { free(): void }): void {
  try {
    one.free();
  } catch {
    // The breakdown itself was thrown.
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
