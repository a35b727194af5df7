/**
 * The `.taskless/` folder of a repository: which layout its manifest asks for, and a new one where that is wanted. A
 * folder whose layout cannot be told is never guessed at: rules put into the wrong one would be silently ignored.
 */
import { lstat, mkdir, readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readUpTo, replaceFile } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';
import type { Layout } from './layout.ts';

export const FOLDER = '.taskless';
const MANIFEST = 'taskless.json';
const NEWEST: Layout = 5;
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** What the client writes there by itself and nobody commits. */
const IGNORED = ['.env.local.json', '.run/', '/.sgconfig.yml', '/.vale.ini'];
/** What only older layouts have. */
const OLD_FOLDERS = ['rule-tests', 'runtime-rules', 'runtime-rule-tests', 'sg', 'runtime'];

const manifestSchema = z.looseObject({ version: z.int().min(0) });

export interface TasklessProject {
  /** Absolute, without links. */
  readonly root: string;
  readonly layout: Layout;
  /** What was made for it, below `.taskless/`. */
  readonly made: readonly string[];
}

/**
 * @param init makes what is missing
 * @throws UsageError NOT_A_DIRECTORY | NO_PROJECT | BAD_PROJECT | OLD_LAYOUT | NEWER_LAYOUT
 */
export async function openProject(directory: string, init: boolean): Promise<TasklessProject> {
  const root = await realpath(directory).catch(() => null);
  if (root === null) throw new UsageError('NOT_A_DIRECTORY', `${directory} is not a directory`);
  const folder = join(root, FOLDER);
  const stats = await lstat(folder).catch(() => null);
  if (stats !== null && !stats.isDirectory()) {
    throw new UsageError('BAD_PROJECT', `${folder} is a link or a file, and not a folder`);
  }
  const text = await readUpTo(join(folder, MANIFEST), MAX_MANIFEST_BYTES);
  if (text !== null) return { root, layout: layoutOf(text, folder), made: [] };
  if (!init) {
    throw new UsageError(
      'NO_PROJECT',
      `there is no ${FOLDER}/${MANIFEST} in ${directory}`,
      'name the repository with --dir, or have it made with --init',
    );
  }
  await refuseOlder(folder);
  return { root, layout: NEWEST, made: await scaffold(folder) };
}

function layoutOf(text: Uint8Array, folder: string): Layout {
  const where = join(folder, MANIFEST);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(text));
  } catch {
    value = null;
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success || parsed.data.version < 1) {
    throw new UsageError('BAD_PROJECT', `${where} does not say which layout it is`, 'mend or remove it');
  }
  const { version } = parsed.data;
  if (version > NEWEST) {
    const message = `${where} says layout ${version}, and ${NEWEST} is the newest known here`;
    throw new UsageError('NEWER_LAYOUT', message, 'use a newer assay');
  }
  if (version === 4) {
    const hint =
      'run the newest Taskless client there once ("taskless check"): it moves everything to layout 5';
    throw new UsageError('OLD_LAYOUT', `${where} says layout 4, which was never released`, hint);
  }
  return version === NEWEST ? NEWEST : 3;
}

/** @throws UsageError OLD_LAYOUT when writing a new manifest would hide what lies there */
async function refuseOlder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const rules = await readdir(join(folder, 'rules')).catch(() => []);
  const old = names.find((name) => OLD_FOLDERS.includes(name)) ?? rules.find((name) => /\.ya?ml$/.test(name));
  if (old === undefined) return;
  throw new UsageError(
    'OLD_LAYOUT',
    `${folder} has no ${MANIFEST}, but ${old} of an older layout`,
    'run the Taskless client there once ("taskless check"): it writes one',
  );
}

async function scaffold(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const gitignore = join(folder, '.gitignore');
  const known = await readFile(gitignore, 'utf8').catch(() => '');
  const lines = known.split('\n').filter((line) => line !== '');
  const missing = IGNORED.filter((line) => !lines.includes(line));
  await replaceFile(gitignore, new TextEncoder().encode(`${[...lines, ...missing].join('\n')}\n`));
  // Last: with it the folder is one of this layout.
  const manifest = `${JSON.stringify({ version: NEWEST }, null, 2)}\n`;
  await replaceFile(join(folder, MANIFEST), new TextEncoder().encode(manifest));
  return ['.gitignore', MANIFEST];
}
