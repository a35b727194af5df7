/** What people write on the command line of `assay keys`, parsed; each mistake is a usage error of its own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../src/rules/digest.ts';
import { BUNDLE_FILE } from '../../src/rules/layout.ts';
import { revocationReason, signerName, type TrustedLog, trustedLog } from '../../src/schema/trust.ts';
import { parsePublicKey, publicKeyPem } from '../../src/signing/ed25519.ts';
import { MAX_BUNDLE_BYTES } from '../../src/signing/verify.ts';
import { readUpTo } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';
import type { KeyDirectory } from './key-directory.ts';

export interface LogOptions {
  readonly logOrigin?: string;
  readonly logKey?: string;
}

export function parseReason(text: string): string {
  const reason = revocationReason.safeParse(text);
  if (reason.success) return reason.data;
  throw new UsageError('BAD_REASON', '--reason takes one line of at most 200 characters');
}

export function named(name: string | undefined): { name?: string } {
  if (name === undefined) return {};
  const parsed = signerName.safeParse(name);
  if (parsed.success) return { name };
  throw new UsageError(
    'BAD_NAME',
    `${JSON.stringify(name)} is no name: lower-case letters, digits, dots, dashes`,
  );
}

export async function adopted(file: string | undefined): Promise<{ adopt?: string }> {
  if (file === undefined) return {};
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new UsageError('NO_KEY', `cannot read the key file ${file}`);
  return { adopt: text };
}

export async function readLog({ logOrigin, logKey }: LogOptions): Promise<TrustedLog | undefined> {
  if (logOrigin === undefined && logKey === undefined) return undefined;
  if (logOrigin === undefined || logKey === undefined) {
    throw new UsageError('BAD_LOG', 'a log has a name and a key', 'give both --log-origin and --log-key');
  }
  const text = await readFile(logKey, 'utf8').catch(() => null);
  const key = text === null ? null : await parsePublicKey(text);
  if (key === null) throw new UsageError('BAD_KEY', `${logKey} is not an Ed25519 public key in SPKI PEM`);
  const publicKey = publicKeyPem(key).replace(/-----[^-]+-----|\s/g, '');
  const log = trustedLog.safeParse({ origin: logOrigin, publicKey });
  if (!log.success) throw new UsageError('BAD_LOG', '--log-origin takes a name without spaces and "+"');
  return log.data;
}

export function privateName({ privateKeys }: KeyDirectory, name: string): string | undefined {
  return [...privateKeys].find(([, key]) => key.name === name)?.[0];
}

export function signerId({ root, directory }: KeyDirectory, wanted: string): string {
  const { signers } = root.root;
  const found = signers.find((one) => one.keyId === wanted || one.name === wanted);
  if (found !== undefined) return found.keyId;
  const names = signers.map((one) => one.name).join(', ');
  throw new UsageError(
    'UNKNOWN_KEY',
    `the trust root in ${directory} has no signer ${JSON.stringify(wanted)}`,
    `it has ${names || 'none'}; a key of root or revocations leaves with: assay keys renew --replace <key>`,
  );
}

export async function bundleDigest(wanted: string): Promise<string> {
  if (/^[0-9a-f]{64}$/i.test(wanted)) return wanted.toLowerCase();
  const bytes = await readUpTo(join(wanted, BUNDLE_FILE), MAX_BUNDLE_BYTES);
  if (bytes !== null && bytes.length <= MAX_BUNDLE_BYTES) return sha256Hex(bytes);
  throw new UsageError('NOT_SIGNED', `${wanted} is neither a SHA-256 nor a directory with ${BUNDLE_FILE}`);
}
