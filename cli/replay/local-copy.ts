/**
 * A stored attempt as a rule directory that a person can edit. Only a directory that is new, empty or an
 * earlier copy is written to, and an edited copy is never written over unless asked to start afresh.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../src/errors.ts';
import { filesDigest } from '../../src/rules/digest.ts';
import { caseDirectories, ruleDirectory } from '../../src/rules/layout.ts';
import { pathProblem } from '../../src/schema/path.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import { UsageError } from '../exit.ts';
import { asText, readTree } from '../read-tree.ts';
import { COPY_FILE, readRuleDirectory } from '../rule-directory.ts';
import { writeTree } from '../write-tree.ts';
import { identity } from './compare.ts';
import type { ReplayInputs } from './inputs.ts';

/** What tells a copy from somebody else's directory, and an edited one from an untouched one. */
const copyFile = z.object({ generation: z.string(), attempt: z.int(), digest: z.string() });

export function defaultDirectory({ generation, attempt, rule }: ReplayInputs): string {
  const folder = `${generation}-${attempt}`;
  if (pathProblem(folder) !== null || folder.includes('/'))
    throw new UsageError('BAD_ANSWER', 'the service sent an id that is no file name');
  return join('.assay', 'replay', folder, rule.name);
}

export type CopyState = 'absent' | 'untouched' | 'edited';

/**
 * Makes sure that the copy is there; an edited copy of the same attempt stays as it is.
 * @throws UsageError NOT_A_COPY when the directory holds something else, COPY_EDITED when it is an edited
 *   copy of another attempt, UNWRITABLE
 */
export async function openCopy(
  directory: string,
  inputs: ReplayInputs,
  fresh: boolean,
): Promise<'written' | 'untouched' | 'edited'> {
  const files = ruleDirectory(inputs.rule, inputs.cases);
  const digest = await filesDigest(files);
  const { state, isSame } = await stateOf(directory, inputs);
  if (state === 'untouched' && isSame) return 'untouched';
  if (state === 'edited' && !fresh) {
    if (isSame) return 'edited';
    throw new UsageError(
      'COPY_EDITED',
      `${directory} is an edited copy of another attempt`,
      'choose another --dir, or give --fresh to write over it',
    );
  }
  try {
    await write(directory, files, { generation: inputs.generation, attempt: inputs.attempt, digest });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError('UNWRITABLE', `${directory} cannot be written: ${messageOf(error)}`);
  }
  return 'written';
}

async function write(
  directory: string,
  files: Readonly<Record<string, string>>,
  marker: z.infer<typeof copyFile>,
): Promise<void> {
  const sgRules = (await readdir(directory).catch(() => [])).filter((name) => /\.ya?ml$/.test(name));
  for (const path of ['check.ts', 'captures', '.tests', COPY_FILE, ...sgRules])
    await rm(join(directory, path), { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  // First, so that a copy that is interrupted counts as an edited one.
  await writeFile(join(directory, COPY_FILE), `${JSON.stringify(marker, null, 2)}\n`, { flag: 'wx' });
  await writeTree(directory, files);
}

async function stateOf(
  directory: string,
  inputs: ReplayInputs,
): Promise<{ state: CopyState; isSame: boolean }> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UsageError('NOT_A_COPY', `${directory} cannot be used: ${error.message}`);
  });
  if (names.length === 0) return { state: 'absent', isSame: false };
  const marker = copyFile.safeParse(await readMarker(directory));
  if (!marker.success) {
    throw new UsageError(
      'NOT_A_COPY',
      `${directory} holds something else than a copy made by a replay`,
      'choose another --dir',
    );
  }
  const { generation, attempt, digest } = marker.data;
  const isSame = generation === inputs.generation && attempt === inputs.attempt;
  return { state: (await currentDigest(directory)) === digest ? 'untouched' : 'edited', isSame };
}

async function readMarker(directory: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(directory, COPY_FILE), 'utf8'));
  } catch {
    return null;
  }
}

/** `null` when it cannot be read as text, which no untouched copy is. */
async function currentDigest(directory: string): Promise<string | null> {
  try {
    return await filesDigest(asText(await readTree(directory, (path) => path === COPY_FILE)));
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

export interface CopyContent {
  readonly ruleFiles: Readonly<Record<string, string>>;
  /** Under their stored names and in their stored order; new ones after them. */
  readonly cases: readonly RuleCase[];
  readonly digest: string;
  readonly edited: boolean;
}

/** @throws UsageError see {@link readRuleDirectory} */
export async function readCopy(directory: string, inputs: ReplayInputs): Promise<CopyContent> {
  const files = ruleDirectory(inputs.rule, inputs.cases);
  const isLitter = (path: string) => !Object.hasOwn(files, path) && isEditorLitter(path);
  const read = await readRuleDirectory(directory, isLitter);
  const digest = await filesDigest(read.files);
  const cases = storedOrder(read.cases, inputs.cases);
  return { ruleFiles: read.ruleFiles, cases, digest, edited: digest !== (await filesDigest(files)) };
}

/** What editors leave beside a file while it is open: swap files, backups, locks. */
function isEditorLitter(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return /^(?:\..*\.sw[a-p]|4913|.*~|\.#.*|#.*#|.*\.tmp|\.DS_Store)$/.test(name);
}

/** On disk a case has the name of its folder; here it gets its own name back. */
function storedOrder(read: readonly RuleCase[], stored: readonly RuleCase[]): RuleCase[] {
  const folders = caseDirectories(stored);
  const found = folders.flatMap((folder, index) => {
    const [one, original] = [read.find((each) => `.tests/${identity(each)}` === folder), stored[index]];
    return one === undefined || original === undefined ? [] : [{ ...one, name: original.name }];
  });
  const added = read.filter((one) => !folders.includes(`.tests/${identity(one)}`));
  return [...found, ...added];
}
