/**
 * Formats with a signature of their own: made here by a private key at hand, or by the service that holds
 * it. What a service answers is verified against this bundle before it is believed.
 */
import type { PublicKey } from '../../src/signing/ed25519.ts';
import { signedSidecar } from '../../src/signing/sidecars/formats.ts';
import type { SignedFormat } from '../../src/signing/sidecars/names.ts';
import type { Parts, Sidecar } from '../../src/signing/sidecars/parts.ts';
import { receivedSidecar } from '../../src/signing/sidecars/received.ts';
import { ApiClient } from '../client.ts';
import { type Connection, type ConnectionOptions, findConnection } from '../connection.ts';
import { UsageError } from '../exit.ts';
import { readSigningKey } from './signing-key.ts';

export interface SignerOptions extends ConnectionOptions {
  readonly signingKey?: string;
}

/** @throws UsageError NO_SIGNER | WRONG_KEY | BAD_ANSWER, and what reading a key or a call throws */
export async function signAnew(
  format: SignedFormat,
  parts: Parts,
  key: PublicKey,
  options: SignerOptions,
): Promise<Sidecar> {
  if (options.signingKey === undefined) return askService(format, parts, key, connectionOf(format, options));
  const signingKey = await readSigningKey(options.signingKey);
  if (signingKey.publicKey.keyId !== parts.keyId) {
    throw new UsageError('WRONG_KEY', `${options.signingKey} is not the key that this rule is signed with`);
  }
  return signedSidecar(format, parts, signingKey);
}

async function askService(
  format: SignedFormat,
  parts: Parts,
  key: PublicKey,
  connection: Connection,
): Promise<Sidecar> {
  // One generation, one rule: its id is the generation's under another prefix.
  const ruleId = parts.generationId.replace(/^gen-/, 'rule-');
  const { files } = await new ApiClient(connection).sidecar(ruleId, format);
  const sidecar = await receivedSidecar(format, parts, key, files);
  if (sidecar !== null) return sidecar;
  throw new UsageError(
    'BAD_ANSWER',
    `${connection.url} sent a ${format} signature that does not fit this bundle`,
  );
}

function connectionOf(format: SignedFormat, options: ConnectionOptions): Connection {
  try {
    return findConnection(options);
  } catch (error) {
    if (!(error instanceof UsageError) || error.code !== 'NO_SERVER' || options.server !== undefined)
      throw error;
    throw new UsageError(
      'NO_SIGNER',
      `${format} needs a signature that only the holder of the key can make`,
      'give --signing-key FILE, or --server URL of the service that signed this rule',
    );
  }
}
