/**
 * Writes a sidecar's files: all or none of them where one is in the way, never into a rule directory, never
 * through a link that lies where a file is to be.
 */
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import type { Sidecar } from '../../src/signing/sidecars/parts.ts';
import { UsageError } from '../exit.ts';
import { filesInTheWay } from '../files-in-the-way.ts';

export interface WriteOptions {
  readonly ruleDirectory: string;
  readonly force: boolean;
}

/** @throws UsageError INSIDE_RULE | FILE_EXISTS | NOT_WRITTEN */
export async function writeSidecar(out: string, { files }: Sidecar, options: WriteOptions): Promise<void> {
  const real = await realTarget(resolve(out));
  const rule = await realpath(options.ruleDirectory);
  if (real === rule || real.startsWith(rule + sep)) {
    throw new UsageError(
      'INSIDE_RULE',
      `${out} is inside the rule directory, where a file that is not signed makes the rule refused`,
      'choose another --out',
    );
  }
  const wanted = Object.entries(files).map(([name, content]) => ({
    path: join(real, name),
    bytes: Buffer.from(content),
  }));
  try {
    const inTheWay = options.force ? [] : await filesInTheWay(wanted);
    if (inTheWay[0] !== undefined) {
      throw new UsageError(
        'FILE_EXISTS',
        `${inTheWay[0]} exists and differs`,
        'use --force, or another --out',
      );
    }
    await mkdir(real, { recursive: true });
    for (const { path, bytes } of wanted) {
      await rm(path, { force: true });
      await writeFile(path, bytes, { flag: 'wx' });
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError('NOT_WRITTEN', `${out} cannot be written: ${messageOf(error)}`);
  }
}

/** Where writing to a path would end up, though its last parts may not exist yet. */
async function realTarget(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path === dirname(path) ? path : join(await realTarget(dirname(path)), basename(path));
  }
}
