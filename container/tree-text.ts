/**
 * The pure part of syntax trees for feedback: which files of a case to show, and ast-grep's dump of one as
 * lines with 1-based positions and the text of leaves.
 */
import { extname } from 'node:path';
import { MAX_TREE_BYTES, MAX_TREE_FILES, MAX_TREE_NODES, MAX_TREE_SOURCE_BYTES } from './limits.ts';
import type { CaptureInput } from './protocol.ts';
import { cleanText } from './text.ts';

/** ast-grep's file types by language name, lower case, aliases included. */
const EXTENSIONS: readonly (readonly [names: string, extensions: string])[] = [
  ['bash', '.bash .sh .zsh .bats .ksh'],
  ['c', '.c .h'],
  ['cpp cc c++ cxx', '.cpp .cc .hpp .cxx .c++ .hh .hxx .cu .ino'],
  ['csharp cs', '.cs'],
  ['css', '.css .scss'],
  ['dart', '.dart'],
  ['elixir ex', '.ex .exs'],
  ['go golang', '.go'],
  ['haskell hs', '.hs'],
  ['hcl', '.hcl .tf .tfvars .nomad .workflow'],
  ['html', '.html .htm .xhtml'],
  ['java', '.java'],
  ['javascript js jsx', '.js .cjs .mjs .jsx'],
  ['json', '.json'],
  ['kotlin kt', '.kt .ktm .kts'],
  ['lua', '.lua'],
  ['nix', '.nix'],
  ['php', '.php'],
  ['python py', '.py .py3 .pyi .bzl'],
  ['ruby rb', '.rb .rbw .gemspec'],
  ['rust rs', '.rs'],
  ['scala', '.scala .sc .sbt'],
  ['solidity sol', '.sol'],
  ['swift', '.swift'],
  ['tsx', '.tsx'],
  ['typescript ts', '.ts .cts .mts'],
  ['yaml yml', '.yml .yaml'],
];

/** Languages in which ast-grep keeps `$NAME` of a query as it is written, so positions stay exact. */
const DOLLAR_LANGUAGES = new Set(['javascript', 'js', 'jsx', 'typescript', 'ts', 'tsx', 'java', 'bash']);

interface TreeFile {
  readonly file: string;
  readonly language: string;
  readonly source: string;
}

export function treeFiles(
  captures: readonly CaptureInput[],
  files: Readonly<Record<string, string>>,
): TreeFile[] {
  const chosen: TreeFile[] = [];
  const languages = new Set(captures.map((capture) => capture.language));
  for (const [file, source] of Object.entries(files)) {
    if (chosen.length >= MAX_TREE_FILES) break;
    const language = [...languages].find((name) => extensionsOf(name).includes(extname(file).toLowerCase()));
    if (language === undefined || source.trim() === '' || source.includes('\0')) continue;
    if (Buffer.byteLength(source) > MAX_TREE_SOURCE_BYTES) continue;
    // Elsewhere `$NAME` becomes another character of another width: rather no tree than a wrong one.
    if (/\$[A-Z_$]/.test(source) && !DOLLAR_LANGUAGES.has(language.toLowerCase())) continue;
    chosen.push({ file, language, source });
  }
  return chosen;
}

function extensionsOf(language: string): readonly string[] {
  const wanted = language.toLowerCase();
  return EXTENSIONS.find(([names]) => names.split(' ').includes(wanted))?.[1].split(' ') ?? [];
}

const NODE = /^( *)(.{1,200}?) \((\d+),(\d+)\)-\((\d+),(\d+)\)$/;

/** `  kind (0,0)-(0,3)` lines of the dump as `  kind 1:1 "text"`. Exported for its test. */
export function formatTree(dump: string, source: string): string {
  const lines = source.split('\n');
  const nodes = dump
    .split('\n')
    .map((line) => NODE.exec(line))
    .filter((node) => node !== null);
  let text = '';
  for (const [index, node] of nodes.entries()) {
    const [, indent = '', kind = '', row = '', column = '', endRow = '', endColumn = ''] = node;
    const isLeaf = (nodes[index + 1]?.[1]?.length ?? 0) <= indent.length;
    const line = lines[Number(row)] ?? '';
    // Columns may count bytes; only where that is the same as characters is the text quoted.
    const quotable = isLeaf && row === endRow && !/[^\x20-\x7e\t]/.test(line);
    const leaf = quotable
      ? ` ${JSON.stringify(cleanText(line.slice(Number(column), Number(endColumn)), 60))}`
      : '';
    const added = `${indent}${kind} ${Number(row) + 1}:${Number(column) + 1}${leaf}\n`;
    if (index >= MAX_TREE_NODES || text.length + added.length > MAX_TREE_BYTES) return `${text}…\n`;
    text += added;
  }
  return text;
}
