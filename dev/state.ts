/**
 * What a local stack keeps between starts: its keys, its token, its storage. Made on first start, readable
 * by its user only, under `.assay/`, which git ignores.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSigningKey, privateKeyPem, publicKeyPem } from '../src/signing/ed25519.ts';
import { type LocalTrust, openLocalTrust } from './local-trust.ts';

export interface LocalState {
  readonly directory: string;
  /** The signing key, and who is told to trust it. */
  readonly trust: LocalTrust;
  /** Of the log of published bundles; a log by another key is another log, and needs another name. */
  readonly log: { readonly keyPem: string; readonly origin: string };
  /** What signing secrets of webhooks are derived from. */
  readonly webhookSecret: string;
  readonly token: string;
  readonly tokenSha256: string;
}

export async function openState(directory: string): Promise<LocalState> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const logKeyPem = await onceSecret(join(directory, 'log-key.pem'), () => privateKeyPem(randomBytes(32)));
  const token = await onceSecret(
    join(directory, 'token'),
    () => `assay_${randomBytes(24).toString('base64url')}`,
  );
  const webhookSecret = await onceSecret(join(directory, 'webhook-secret'), () =>
    randomBytes(32).toString('hex'),
  );
  const { origin, publicKey } = await readLog(logKeyPem);
  return {
    directory,
    trust: await openLocalTrust(directory, { origin, publicKey }, new Date().toISOString()),
    log: { keyPem: logKeyPem, origin },
    webhookSecret,
    token,
    tokenSha256: createHash('sha256').update(token).digest('hex'),
  };
}

/** Its name is unlike that of any other machine's stack. */
async function readLog(keyPem: string): Promise<{ origin: string; publicKey: string }> {
  const key = await parseSigningKey(keyPem);
  if (key === null) throw new Error('the log key of this stack is malformed; remove it to make another');
  const id = createHash('sha256').update(key.publicKey.bytes).digest('hex').slice(0, 8);
  const publicKey = publicKeyPem(key.publicKey).replace(/-----[^-]+-----|\s/g, '');
  return { origin: `localhost/assay-${id}`, publicKey };
}

async function onceSecret(path: string, make: () => string): Promise<string> {
  if (!existsSync(path)) await writeFile(path, make(), { mode: 0o600, flag: 'wx' });
  return readFile(path, 'utf8');
}
