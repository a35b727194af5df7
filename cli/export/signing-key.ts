/** Reads a private key for one command. Says of the file only where it is; never what is in it. */
import { readFile } from 'node:fs/promises';
import { parseSigningKey, type SigningKey } from '../../src/signing/ed25519.ts';
import { UsageError } from '../exit.ts';

/** @throws UsageError NO_KEY | BAD_KEY */
export async function readSigningKey(file: string): Promise<SigningKey> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new UsageError('NO_KEY', `cannot read the key file ${file}`);
  const key = await parseSigningKey(text);
  if (key === null) throw new UsageError('BAD_KEY', `${file} is not an Ed25519 private key in PKCS#8 PEM`);
  return key;
}
