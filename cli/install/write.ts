/**
 * Puts the files of a signed rule where a layout has them, so that nothing but these files is there afterwards. What
 * lies there already is replaced only when it is itself a signed rule as it was signed; anything else somebody wrote,
 * and needs `force`. Never through a link, and never outside of `.taskless/`.
 */
import { lstat, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decide, type Trusted } from '../../src/consumer/decide.ts';
import type { Engine } from '../../src/schema/request.ts';
import { readUpTo, replaceFile } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';
import { readTree } from '../read-tree.ts';
import { escapes } from '../write-tree.ts';
import { foldersOf, type Layout, loneFilesOf, placeOf } from './layout.ts';

const MAX_FILE_BYTES = 16 * 1024 * 1024;

export interface ToInstall {
  readonly name: string;
  readonly engine: Engine;
  /** Every file of the rule directory, bundle and proof among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Paths below `.taskless/`, sorted. */
export interface Installed {
  readonly wrote: readonly string[];
  readonly unchanged: readonly string[];
  readonly removed: readonly string[];
}

/**
 * @param folder the `.taskless` folder
 * @throws UsageError FILE_EXISTS | BAD_ANSWER | UNREADABLE_TREE | BAD_PROJECT
 */
export async function installFiles(
  folder: string,
  layout: Layout,
  rule: ToInstall,
  { trusted, force }: { readonly trusted: Trusted; readonly force: boolean },
): Promise<Installed> {
  const wanted = new Map<string, Uint8Array>();
  for (const [path, bytes] of rule.files) {
    if (escapes(path))
      throw new UsageError('BAD_ANSWER', `a file of the rule has the path ${JSON.stringify(path)}`);
    wanted.set(placeOf(layout, rule.engine, rule.name, path), bytes);
  }
  for (const place of [
    ...wanted.keys(),
    ...foldersOf(layout, rule.engine, rule.name).map((one) => `${one.folder}/x`),
  ])
    await refuseLinks(folder, dirname(place));
  const there = await filesThere(folder, layout, rule);
  const inTheWay = [...there]
    .filter(([place, { bytes }]) => !same(wanted.get(place), bytes))
    .map(([place]) => place);
  if (inTheWay.length > 0 && !force) await refuseEdited(there, inTheWay, trusted);
  const changed = [...wanted].filter(([place, bytes]) => !same(there.get(place)?.bytes, bytes));
  for (const [place, bytes] of changed) {
    await mkdir(dirname(join(folder, place)), { recursive: true });
    await replaceFile(join(folder, place), bytes);
  }
  const removed = inTheWay.filter((place) => !wanted.has(place)).sort();
  for (const place of removed) await rm(join(folder, place));
  const wrote = changed.map(([place]) => place).sort();
  const unchanged = [...wanted.keys()].filter((place) => !wrote.includes(place)).sort();
  return { wrote, unchanged, removed };
}

interface There {
  /** Where it would be in the rule directory. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What lies in the rule's places now, by place. */
async function filesThere(
  folder: string,
  layout: Layout,
  { name, engine }: ToInstall,
): Promise<Map<string, There>> {
  const there = new Map<string, There>();
  for (const { folder: inside, toRule } of foldersOf(layout, engine, name)) {
    if ((await lstat(join(folder, inside)).catch(() => null)) === null) continue;
    for (const [path, bytes] of await readTree(join(folder, inside))) {
      there.set(`${inside}/${path}`, { path: toRule(path), bytes });
    }
  }
  for (const path of loneFilesOf(layout, engine, name)) {
    const place = placeOf(layout, engine, name, path);
    const bytes = await readUpTo(join(folder, place), MAX_FILE_BYTES);
    if (bytes !== null) there.set(place, { path, bytes });
  }
  return there;
}

/** @throws UsageError FILE_EXISTS unless what is there is a signed rule, every byte of it */
async function refuseEdited(
  there: ReadonlyMap<string, There>,
  inTheWay: readonly string[],
  trusted: Trusted,
): Promise<void> {
  const directory = new Map([...there.values()].map(({ path, bytes }) => [path, bytes]));
  const decision = await decide(directory, trusted);
  if (decision.kind !== 'refused') return;
  const shown = inTheWay.slice(0, 5).join(', ') + (inTheWay.length > 5 ? ', …' : '');
  throw new UsageError(
    'FILE_EXISTS',
    `what lies there is no signed rule as it was signed: ${decision.message}. In the way: ${shown}`,
    'look at it, then --force replaces it',
  );
}

/** @throws UsageError BAD_PROJECT when a folder on the way is a link or no folder */
async function refuseLinks(folder: string, path: string): Promise<void> {
  let at = folder;
  for (const part of path.split('/')) {
    at = join(at, part);
    const stats = await lstat(at).catch(() => null);
    if (stats === null) return;
    if (!stats.isDirectory())
      throw new UsageError('BAD_PROJECT', `${at} is a link or a file, and not a folder`);
  }
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
