/**
 * The work on text that strangers wrote and that executes none of it: finding matches, stripping types,
 * drawing syntax trees. Plain values in and out, so that it can be done in another thread.
 */

import type { CaseInput, RuleInput, SyntaxTree } from '../container/protocol.ts';
import { formatTree, treeFiles } from '../container/tree-text.ts';
import type { Narrowed } from '../container/verify.ts';
import type { Engine } from './narrow/engine.ts';
import { languageNamed } from './narrow/languages.ts';
import { narrowCase, planNarrow, Unsupported } from './narrow/narrow.ts';

export interface StripError {
  readonly message: string;
  readonly line?: number;
}
export type StripResult = { readonly code: string } | { readonly error: StripError };
export type NarrowResult =
  | { readonly narrowed: readonly Narrowed[] }
  /** This build of ast-grep may not give the command line's answer. */
  | { readonly unsupported: string };

/** What came of a job, or why nothing did. */
export type Done<T> =
  | { readonly value: T }
  /** It took too long, or whoever asked for it left. */
  | { readonly late: true }
  | { readonly outOfMemory: true }
  | { readonly failure: string };

export interface Jobs {
  strip(source: string): StripResult;
  narrow(rule: RuleInput, cases: readonly CaseInput['files'][]): Promise<NarrowResult>;
  trees(rule: RuleInput, files: CaseInput['files']): Promise<SyntaxTree[]>;
}

export async function narrowAll(
  engine: Engine,
  rule: RuleInput,
  cases: readonly CaseInput['files'][],
): Promise<NarrowResult> {
  try {
    const plan = await planNarrow(engine, rule);
    return { narrowed: cases.map((files) => narrowCase(engine, plan, files)) };
  } catch (error) {
    if (error instanceof Unsupported) return { unsupported: error.message };
    throw error;
  }
}

export async function drawTrees(
  engine: Engine,
  rule: RuleInput,
  files: CaseInput['files'],
): Promise<SyntaxTree[]> {
  const trees: SyntaxTree[] = [];
  for (const { file, language, source } of treeFiles(rule.captures, files)) {
    const known = languageNamed(language);
    if (known === undefined) continue;
    await engine.prepare(known);
    const parsed = engine.parse(known, source);
    let dump = '';
    for (const { depth, kind, field, start, end } of parsed.nodes()) {
      const name = field === null ? kind : `${field}: ${kind}`;
      dump += `${'  '.repeat(depth)}${name} (${start.row},${start.column})-(${end.row},${end.column})\n`;
    }
    parsed.free();
    const text = formatTree(dump, source);
    if (text !== '') trees.push({ file, language, text });
  }
  return trees;
}
