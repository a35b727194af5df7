/**
 * Finds the project and its rules: the nearest folder with `.taskless/`, and everything that lies where the
 * Taskless layout 5 has its runtime rules and its ast-grep rules. Nothing is left out silently: what another client would not see,
 * or what lies in an older layout, comes back with the reason why it cannot be run.
 */
import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../exit.ts';
import type { Refusal } from './report.ts';

const RULES = '.taskless/rules/runtime';
/** ast-grep rules. Those that nobody signed are as usual here as signed ones: the Taskless client runs them. */
const SG_RULES = '.taskless/rules/sg';
/** Where layouts 3 and 4 have them. */
const OLD_RULES = ['.taskless/runtime-rules', '.taskless/runtime/rules'];
const MANIFEST = '.taskless/taskless.json';
const NEWEST_LAYOUT = 5;
const MAX_MANIFEST_BYTES = 1024 * 1024;

export interface Project {
  /** Absolute, without links. */
  readonly root: string;
  readonly rules: readonly FoundRule[];
}

export interface FoundRule {
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
  /** True where rules need no signature to be what they should be: an unsigned one is not run, and no failure. */
  readonly mayBeUnsigned?: boolean;
  /** Set when it cannot be a rule. */
  readonly refusal?: Refusal;
}

/**
 * @param start where to look first; its parents come after it
 * @throws UsageError NO_PROJECT | NEWER_LAYOUT
 */
export async function findProject(start: string): Promise<Project> {
  const from = await realpath(resolve(start)).catch(() => null);
  const root = from === null ? null : await nearest(from);
  if (root === null) {
    throw new UsageError(
      'NO_PROJECT',
      `there is no .taskless folder in ${start} or above it`,
      'run it inside a project, or name one with --root',
    );
  }
  await checkLayout(root);
  return {
    root,
    rules: [...(await rulesOf(root, RULES)), ...(await rulesOf(root, SG_RULES)), ...(await oldRulesOf(root))],
  };
}

async function nearest(from: string): Promise<string | null> {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = await stat(join(folder, '.taskless')).catch(() => null);
    if (found?.isDirectory()) return folder;
    if (folder === dirname(folder)) return null;
  }
}

/** A manifest that is missing or broken says nothing: rules are where they are. */
async function checkLayout(root: string): Promise<void> {
  const path = join(root, MANIFEST);
  const size = (await stat(path).catch(() => null))?.size ?? 0;
  if (size > MAX_MANIFEST_BYTES) return;
  let version: unknown;
  try {
    version = (JSON.parse(await readFile(path, 'utf8')) as { version?: unknown }).version;
  } catch {
    return;
  }
  if (typeof version === 'number' && version > NEWEST_LAYOUT) {
    throw new UsageError(
      'NEWER_LAYOUT',
      `${MANIFEST} says layout ${version}, and ${NEWEST_LAYOUT} is the newest known here`,
      'use a newer assay',
    );
  }
}

async function rulesOf(root: string, folder: string): Promise<FoundRule[]> {
  const rules: FoundRule[] = [];
  for (const entry of await entriesOf(join(root, folder))) {
    const directory = join(root, folder, entry.name);
    const rule = { name: entry.name, directory, mayBeUnsigned: folder === SG_RULES };
    if (entry.isDirectory()) rules.push(rule);
    else if (!entry.isFile()) {
      rules.push({
        ...rule,
        refusal: { reason: 'not_a_directory', message: 'it is a link or a special file, not a directory' },
      });
    }
  }
  return rules;
}

async function oldRulesOf(root: string): Promise<FoundRule[]> {
  const rules: FoundRule[] = [];
  for (const folder of OLD_RULES) {
    for (const entry of await entriesOf(join(root, folder))) {
      const message = `it lies in ${folder}, an older layout; move it to ${RULES}, its captures into captures/`;
      const directory = join(root, folder, entry.name);
      if (entry.isDirectory()) {
        rules.push({ name: entry.name, directory, refusal: { reason: 'old_layout', message } });
      }
    }
  }
  return rules;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new UsageError('UNREADABLE_TREE', `${folder} cannot be read`);
  }
}
