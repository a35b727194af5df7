/**
 * Which file a snippet without a name is. A snippet may say so itself, in a fence or in a comment on its first line;
 * else one language is guessed for all of them, from the words of the prompt and from the code. A guess only names a
 * file: where it is wrong no rule passes its cases, and the prompt can name the language.
 */
import { relativePath } from '../schema/path.ts';
import { languageOfFile } from './file-language.ts';

/** A snippet as a file. */
export interface SnippetFile {
  readonly path: string;
  readonly text: string;
}

interface Known {
  readonly extension: string;
  /** Names in a prompt. Those that are words too are told by letter case. */
  readonly named: RegExp;
  /** What code of it looks like; each that fits counts. */
  readonly looks: readonly RegExp[];
}

/** In order of preference where two fit equally well. */
const KNOWN: readonly Known[] = [
  {
    extension: 'ts',
    named: /\btypescript\b|\bTS\b|\.[cm]?ts\b/i,
    looks: [
      /\b(?:interface|type) \w+(?:<[^>]*>)? ?[={]/,
      /\b(?:const|let|var|function|import|export|await)\b/,
      /\w+\??: (?:string|number|boolean|unknown|any|void)\b/,
      /=>|===|;[ \t]*$/m,
    ],
  },
  {
    extension: 'tsx',
    named: /\b(?:tsx|jsx|react)\b/i,
    looks: [
      /<\/[A-Za-z][\w.]*>|<[A-Z]\w*[^>]*\/>/,
      /\bclassName=|\bon[A-Z]\w+=\{/,
      /(?:\breturn|=>|\() ?\(?\s{0,20}<[A-Za-z]/,
    ],
  },
  {
    extension: 'js',
    named: /\bjavascript\b|\bnode\.?js\b|\.[cm]?js\b/i,
    looks: [/\brequire\(['"]/, /\bmodule\.exports\b/],
  },
  {
    extension: 'py',
    named: /\bpython\b|\bdjango\b|\.py\b/i,
    looks: [
      /^[ \t]*def \w+\(.*\).*:[ \t]*$/m,
      /^[ \t]*(?:from \S+ )?import \w[\w., ]*$/m,
      /^[ \t]*(?:if|for|while|with|try|except|class)\b.*:[ \t]*$/m,
      /\b(?:None|True|False|elif|self)\b/,
    ],
  },
  {
    extension: 'go',
    named: /\bgolang\b|\.go\b|\b(?:in|for|our|all) Go\b|\bGo (?:code|files?|functions?|sources?|programs?)\b/,
    looks: [/^package \w+/m, /\bfunc (?:\([^)]*\) )?\w+\(/, /:=/, /\bfmt\.\w+\(|\berr != nil\b/],
  },
  {
    extension: 'rs',
    named: /\brust\b|\.rs\b/i,
    looks: [/\bfn \w+/, /\blet mut\b|\bimpl\b/, /\w+!\(|::</, /\b(?:Some|Ok|Err)\(|\.unwrap\(\)/],
  },
  {
    extension: 'java',
    named: /\bjava\b|\.java\b/i,
    looks: [
      /\b(?:public|private|protected)(?: static)? [\w<>[\]]+ \w+\(/,
      /\bSystem\.\w+/,
      /\bnew [A-Z]\w*(?:<[^>]*>)?\(/,
      /^import java/m,
    ],
  },
  { extension: 'kt', named: /\bkotlin\b|\.kt\b/i, looks: [/\bfun \w+\(/, /\bval \w+ ?[:=]/] },
  {
    extension: 'swift',
    named: /\bswift\b|\.swift\b/i,
    looks: [/\bguard let\b|\bif let\b/, /\bfunc \w+\([^)]*\) -> /],
  },
  {
    extension: 'cs',
    named: /\bC#|\bcsharp\b|\.cs\b/i,
    looks: [/\bConsole\.Write/, /^using [\w.]+;/m, /\bnamespace [\w.]+/],
  },
  { extension: 'cpp', named: /\bC\+\+|\.(?:cpp|hpp)\b/i, looks: [/\bstd::\w+/, /^#include <\w+>/m] },
  {
    extension: 'c',
    named: /\.[ch]\b|\b(?:in|for|our|all) C\b(?![+#])/,
    looks: [/^#include <\w+\.h>/m, /\b(?:int|char|void) \*?\w+\(/, /\b(?:malloc|printf|strcpy)\(/],
  },
  {
    extension: 'rb',
    named: /\bruby\b|\brails\b|\.rb\b/i,
    looks: [/^[ \t]*def \w+[?!]?(?:\(.*\))?[ \t]*$/m, /^[ \t]*end[ \t]*$/m, /\bputs \b|\.each do\b/],
  },
  { extension: 'php', named: /\bphp\b|\blaravel\b/i, looks: [/<\?php/, /\$\w+ ?(?:=|->)/] },
  {
    extension: 'sh',
    named: /\bbash\b|\bshell scripts?\b|\.sh\b/i,
    looks: [/^#!.*\bsh\b/m, /\bfi\b|\besac\b/, /\$\{?\w+\}?|^[ \t]*echo /m],
  },
  { extension: 'html', named: /\bhtml\b/i, looks: [/<!doctype html/i, /<(?:html|body|div|script|img|a)\b/i] },
  {
    extension: 'css',
    named: /\bcss\b|\bstylesheets?\b/i,
    looks: [/^[.#]?[\w-]+(?: [.#]?[\w-]+)* ?\{\s*[\w-]+:/m],
  },
  { extension: 'tf', named: /\bterraform\b|\bhcl\b/i, looks: [/^(?:resource|variable|module|provider) "/m] },
  { extension: 'yaml', named: /\bya?ml\b/i, looks: [/^[\w-]+:[ \t]*$/m, /^[ \t]*- [\w-]+:/m] },
  {
    extension: 'json',
    named: /\bjson files?\b|\.json\b/i,
    looks: [/^\s*[{[]\s*[{"]/],
  },
  { extension: 'lua', named: /\blua\b/i, looks: [/\blocal \w+ ?=/, /\bthen\b[\s\S]*\bend\b/] },
  { extension: 'scala', named: /\bscala\b/i, looks: [/\bobject \w+ /, /\bdef \w+(?:\(.*\))?: ?\w+ =/] },
  { extension: 'ex', named: /\belixir\b/i, looks: [/\bdefmodule \w+/, /\|> /] },
  { extension: 'sol', named: /\bsolidity\b/i, looks: [/^pragma solidity/m, /\bcontract \w+ \{/] },
];

const STANDARD = 'ts';
/** A guess needs no more, and patterns take longer than in proportion. */
const MAX_LOOKED_AT_CHARS = 1_000;
const MAX_LOOKED_AT_SNIPPETS = 10;
const MAX_FIRST_LINE_CHARS = 300;
const FENCE = /^\s*```([A-Za-z0-9+#-]*)[^\n]*\n([\s\S]*?)\n?```\s*$/;
/** `// src/a.ts`, `# file: a.py`, `<!-- a.html -->`: a comment of a path and nothing else, on a line of its own. */
const NAMED =
  /^\s*(?:\/\/|#|--|\/\*|<!--)\s*(?:file(?:name)?:?\s+)?([\w./-]+\.\w+)\s*(?:\*\/|-->)?\s*(?:\r?\n|$)/i;

/** One file for each snippet, in the same order. */
export function snippetFiles(prompt: string, snippets: readonly string[]): SnippetFile[] {
  const opened = snippets.map(unfence);
  const guess = guessExtension(
    prompt,
    opened.map(({ text }) => text),
  );
  return opened.map(({ text, extension }) => {
    const named = NAMED.exec(text.slice(0, MAX_FIRST_LINE_CHARS))?.[1];
    const usable =
      named !== undefined && languageOfFile(named) !== null && relativePath.safeParse(named).success;
    return { path: usable ? named : `example.${extension ?? guess}`, text };
  });
}

function unfence(snippet: string): { text: string; extension: string | null } {
  const [, tag = '', inside] = FENCE.exec(snippet) ?? [];
  if (inside === undefined) return { text: snippet, extension: null };
  return { text: inside, extension: extensionOfTag(tag.toLowerCase()) };
}

function extensionOfTag(tag: string): string | null {
  if (tag === '') return null;
  if (languageOfFile(`x.${tag}`) !== null) return tag;
  // As a name in a sentence, so that "python" and "c++" are found too.
  return KNOWN.find(({ named }) => named.test(` ${tag} `))?.extension ?? null;
}

/** What the prompt names and the code does not speak against; else what the code looks like most. */
function guessExtension(prompt: string, snippets: readonly string[]): string {
  const code = snippets
    .slice(0, MAX_LOOKED_AT_SNIPPETS)
    .map((one) => one.slice(0, MAX_LOOKED_AT_CHARS))
    .join('\n');
  const scored = KNOWN.map(({ extension, named, looks }) => ({
    extension,
    named: named.test(prompt),
    looks: looks.filter((one) => one.test(code)).length,
  }));
  const candidates = scored.some((one) => one.named) ? scored.filter((one) => one.named) : scored;
  const best = candidates.reduce((a, b) => (b.looks > a.looks ? b : a));
  return best.named || best.looks > 0 ? best.extension : STANDARD;
}
