/**
 * What a local stack keeps between starts: its key, its token, its storage. Made on first start, readable
 * by its user only, under `.assay/`, which git ignores.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { privateKeyPem } from '../src/signing/ed25519.ts';

export interface LocalState {
  readonly directory: string;
  readonly signingKeyPem: string;
  readonly token: string;
  readonly tokenSha256: string;
}

export async function openState(directory: string): Promise<LocalState> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const signingKeyPem = await onceSecret(join(directory, 'signing-key.pem'), () =>
    privateKeyPem(randomBytes(32)),
  );
  const token = await onceSecret(
    join(directory, 'token'),
    () => `assay_${randomBytes(24).toString('base64url')}`,
  );
  return { directory, signingKeyPem, token, tokenSha256: createHash('sha256').update(token).digest('hex') };
}

async function onceSecret(path: string, make: () => string): Promise<string> {
  if (!existsSync(path)) await writeFile(path, make(), { mode: 0o600, flag: 'wx' });
  return readFile(path, 'utf8');
}
