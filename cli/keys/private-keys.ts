/**
 * Private keys on disk: PKCS#8 PEM, mode 0600, in a directory of mode 0700 that git ignores. Refuses keys
 * that others could read and places that git tracks. Key bytes never enter a message.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseSigningKey, privateKeyPem, type SigningKey } from '../../src/signing/ed25519.ts';
import { readUpTo, replaceFile, writeNewFile } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';

const MAX_PEM_BYTES = 4_096;
const IGNORE_ALL = '*\n';

export interface PrivateKey {
  /** File name without its ending: `root-1`, `revocations-1`, `signing-2`. */
  readonly name: string;
  readonly file: string;
  readonly key: SigningKey;
}

const OURS = new Set(['.gitignore', 'private', 'public', 'pending']);

/** Makes the directory, out of git's sight. @throws UsageError DIRECTORY_NOT_EMPTY | TRACKED_BY_GIT */
export async function makeKeyDirectory(directory: string): Promise<void> {
  await refuseForeign(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  await replaceFile(join(directory, '.gitignore'), new TextEncoder().encode(IGNORE_ALL));
  await mkdir(join(directory, 'private'), { recursive: true, mode: 0o700 });
  await chmod(join(directory, 'private'), 0o700);
  await refuseTracked(directory);
}

/** Only a new directory, or what an interrupted start left, is made into one: its modes and files change. */
async function refuseForeign(directory: string): Promise<void> {
  const entries = await readdir(directory).catch(() => []);
  const ignore = await readUpTo(join(directory, '.gitignore'), MAX_PEM_BYTES);
  const marked = ignore !== null && new TextDecoder().decode(ignore) === IGNORE_ALL;
  if (entries.length === 0 || (marked && entries.every((name) => OURS.has(name)))) return;
  const hint = 'choose another --dir';
  throw new UsageError('DIRECTORY_NOT_EMPTY', `${directory} holds other things than keys`, hint);
}

async function refuseTracked(directory: string): Promise<void> {
  const tracked = await git(directory, 'ls-files', '-z', '--', '.');
  // Outside a work tree, or without git, there is nothing that could be committed by mistake.
  if (tracked === null) return;
  const ignored = await git(directory, 'check-ignore', '-q', '--', 'private/root-1.pem');
  if (tracked === '' && ignored !== null) return;
  throw new UsageError(
    'TRACKED_BY_GIT',
    `${directory} is tracked by git, so private keys could be committed`,
    'choose another --dir, or remove it from git first: git rm -r --cached',
  );
}

/** Output, or `null` when git says no. Nothing that a repository configures is run. */
async function git(directory: string, ...args: string[]): Promise<string | null> {
  const safe = ['-c', 'core.fsmonitor=', '-c', 'core.hooksPath=/dev/null', '-C', directory];
  try {
    return (await promisify(execFile)('git', [...safe, ...args])).stdout;
  } catch {
    return null;
  }
}

/**
 * A new key under the first free number: `<role>-<n>`.
 * @param known how many keys of this role there are anywhere, so that those that were moved away keep their names
 */
export async function createPrivateKey(
  directory: string,
  role: string,
  known = 0,
  pem?: string,
): Promise<PrivateKey> {
  const taken = new Set(await readdir(join(directory, 'private')));
  let number = known + 1;
  while (taken.has(`${role}-${number}.pem`)) number += 1;
  const name = `${role}-${number}`;
  const file = join(directory, 'private', `${name}.pem`);
  const text = pem ?? privateKeyPem(randomBytes(32));
  const key = await parseSigningKey(text);
  if (key === null) throw new UsageError('BAD_KEY', 'this is no Ed25519 private key in PKCS#8 PEM');
  await writeNewFile(file, new TextEncoder().encode(text), 0o600);
  return { name, file, key };
}

/** Every private key that is here, by key id. @throws UsageError KEYS_EXPOSED | BAD_KEY */
export async function readPrivateKeys(directory: string): Promise<Map<string, PrivateKey>> {
  const folder = join(directory, 'private');
  const keys = new Map<string, PrivateKey>();
  const names = await readdir(folder).catch(() => []);
  if (names.length > 0) await refuseExposed(folder);
  for (const entry of names.filter((name) => name.endsWith('.pem') && !name.startsWith('.')).sort()) {
    const file = join(folder, entry);
    await refuseExposed(file);
    const bytes = (await readUpTo(file, MAX_PEM_BYTES)) ?? new Uint8Array();
    const key = await parseSigningKey(new TextDecoder().decode(bytes));
    if (key === null) throw new UsageError('BAD_KEY', `${file} is no Ed25519 private key in PKCS#8 PEM`);
    keys.set(key.publicKey.keyId, { name: entry.slice(0, -'.pem'.length), file, key });
  }
  return keys;
}

async function refuseExposed(path: string): Promise<void> {
  const { mode } = await lstat(path);
  if ((mode & 0o077) === 0) return;
  throw new UsageError('KEYS_EXPOSED', `others than you can reach ${path}`, `chmod go= ${path}`);
}
