/**
 * The operator's key directory: `private/` (keys), `public/` (documents that count; a trust directory by
 * itself), `pending/` (documents that still lack signatures). Every numbered document is written once, so two
 * commands at the same time cannot both issue the next one. Refuses a directory whose documents do not hold.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Revocations } from '../../src/schema/trust.ts';
import { readEnvelope } from '../../src/signing/document.ts';
import { REVOCATIONS, readRevocations } from '../../src/signing/revocations.ts';
import { followChain, type OpenedRoot, openRoot, TRUST_ROOT } from '../../src/signing/trust-root.ts';
import { readUpTo, replaceFile, writeNewFile } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';
import { type PrivateKey, readPrivateKeys } from './private-keys.ts';

export const DEFAULT_KEY_DIRECTORY = join('.assay', 'keys');
export const ROOT_FILE = 'trust-root.json';
export const REVOCATIONS_FILE = 'revocations.json';
export const PENDING = 'pending';

export interface KeyDirectory {
  readonly directory: string;
  readonly privateKeys: ReadonlyMap<string, PrivateKey>;
  /** Every root file, the first one first. */
  readonly roots: readonly Uint8Array[];
  readonly root: OpenedRoot;
  readonly revocations: Revocations;
  readonly revocationsBytes: Uint8Array;
}

/** @throws UsageError NO_KEYS | KEYS_DAMAGED | KEYS_EXPOSED | BAD_KEY */
export async function openKeyDirectory(directory: string): Promise<KeyDirectory> {
  const roots = await readNumbered(join(directory, 'public', 'roots'), TRUST_ROOT.maxBytes);
  const [first] = roots;
  if (first === undefined) {
    throw new UsageError('NO_KEYS', `${directory} holds no keys`, 'make some: assay keys init');
  }
  const anchor = await openRoot(first);
  if (!anchor.ok) throw damaged(directory, anchor.message);
  const chain = await followChain(anchor, roots);
  if (!chain.ok) throw damaged(directory, chain.message);
  const revocationsBytes = (
    await readNumbered(join(directory, 'public', 'revocations'), REVOCATIONS.maxBytes)
  ).at(-1);
  if (revocationsBytes === undefined) throw damaged(directory, 'it has no revocation list');
  return {
    directory,
    privateKeys: await readPrivateKeys(directory),
    roots,
    root: chain.newest,
    revocations: await readList(directory, revocationsBytes),
    revocationsBytes,
  };
}

/** Documents that lack signatures, as paths. */
export async function pendingFiles(directory: string): Promise<string[]> {
  const names: string[] = await readdir(join(directory, PENDING)).catch(() => []);
  return [ROOT_FILE, REVOCATIONS_FILE]
    .filter((name) => names.includes(name))
    .map((name) => join(directory, PENDING, name));
}

/** By its payload alone: a list that a root before allowed may have to be issued again. */
async function readList(directory: string, bytes: Uint8Array): Promise<Revocations> {
  const envelope = await readEnvelope(REVOCATIONS, bytes);
  if (!envelope.ok) throw damaged(directory, envelope.message);
  const read = readRevocations(envelope.payload);
  if (!read.ok) throw damaged(directory, read.message);
  return read.revocations;
}

function damaged(directory: string, why: string): UsageError {
  return new UsageError('KEYS_DAMAGED', `${directory} is damaged: ${why}`, 'restore it from a copy');
}

async function readNumbered(folder: string, maxBytes: number): Promise<Uint8Array[]> {
  const names = await readdir(folder).catch(() => []);
  const numbers = names.flatMap((name) => /^([1-9][0-9]{0,8})\.json$/.exec(name)?.[1] ?? []).map(Number);
  const files: Uint8Array[] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const bytes = await readUpTo(join(folder, `${number}.json`), maxBytes);
    if (bytes !== null) files.push(bytes);
  }
  return files;
}

/** Makes a complete document count. @throws UsageError CHANGED_MEANWHILE when another command was faster */
export async function install(
  directory: string,
  file: typeof ROOT_FILE | typeof REVOCATIONS_FILE,
  sequence: number,
  bytes: Uint8Array,
): Promise<void> {
  const folder = join(directory, 'public', file === ROOT_FILE ? 'roots' : 'revocations');
  await writeNewFile(join(folder, `${sequence}.json`), bytes).catch((error: unknown) => {
    if (!(error instanceof UsageError && error.code === 'FILE_EXISTS')) throw error;
    throw new UsageError(
      'CHANGED_MEANWHILE',
      `another command issued number ${sequence} first`,
      'run it again',
    );
  });
  await replaceFile(join(directory, 'public', file), bytes);
  await rm(join(directory, PENDING, file), { force: true });
}
