/**
 * The keys and trust documents of a local stack, made by the code that operators use: one root key, one
 * revocation key, one signing key. Kept fresh at every start, and laid out as a trust directory for
 * `assay verify --trust`. A signing key from before there were trust roots is taken over.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toPublished } from '../cli/commands/keys-documents.ts';
import { UsageError } from '../cli/exit.ts';
import { issueRevocations } from '../cli/keys/issue.ts';
import { type KeyDirectory, openKeyDirectory } from '../cli/keys/key-directory.ts';
import { initKeys } from '../cli/keys/operations.ts';
import type { PrivateKey } from '../cli/keys/private-keys.ts';
import { renewRoot } from '../cli/keys/renew.ts';
import { writeTrustDirectory } from '../cli/trust/directory.ts';
import { sha256Hex } from '../src/rules/digest.ts';
import type { PublishedTrust, TrustedLog } from '../src/schema/trust.ts';
import { DAY_MS } from '../src/signing/revocations.ts';

const VALID_DAYS = 365;
const REVOCATIONS_MAX_AGE_DAYS = 30;
/** Documents with less than this left are issued again at the next start. */
const RENEW_BELOW_MS = 15 * DAY_MS;

export interface LocalTrust {
  readonly signingKeyPem: string;
  /** Of the first root: what the service is set to. */
  readonly anchorSha256: string;
  readonly documents: PublishedTrust;
  /** Trust directory of whoever verifies what this stack signs. */
  readonly directory: string;
}

/** @param directory state directory of the stack: `keys/` and `trust/` are in it */
export async function openLocalTrust(directory: string, log: TrustedLog, now: string): Promise<LocalTrust> {
  const keys = await keptFresh(await openOrMake(directory, log, now), log, now);
  const trust = join(directory, 'trust');
  const root = keys.roots.at(-1) ?? new Uint8Array();
  await writeTrustDirectory(trust, { root, revocations: keys.revocationsBytes }, null);
  return {
    signingKeyPem: await readFile(currentKey(keys).file, 'utf8'),
    anchorSha256: await sha256Hex(keys.roots[0] ?? root),
    documents: toPublished(keys),
    directory: trust,
  };
}

async function openOrMake(directory: string, log: TrustedLog, now: string): Promise<KeyDirectory> {
  const keyDirectory = join(directory, 'keys');
  try {
    return await openKeyDirectory(keyDirectory);
  } catch (error) {
    if (!(error instanceof UsageError && error.code === 'NO_KEYS')) throw error;
  }
  const earlier = join(directory, 'signing-key.pem');
  const adopt = await readFile(earlier, 'utf8').catch(() => null);
  const keys = await initKeys(
    keyDirectory,
    {
      rootKeys: 1,
      threshold: 1,
      validDays: VALID_DAYS,
      revocationsMaxAgeDays: REVOCATIONS_MAX_AGE_DAYS,
      log,
      ...(adopt === null ? {} : { adopt }),
    },
    now,
  );
  await rm(earlier, { force: true });
  return keys;
}

async function keptFresh(keys: KeyDirectory, log: TrustedLog, now: string): Promise<KeyDirectory> {
  const { root } = keys.root;
  const soon = Date.parse(now) + RENEW_BELOW_MS;
  const otherLog = JSON.stringify(root.log) !== JSON.stringify(log);
  if (otherLog || Date.parse(root.expiresAt) < soon) await renewRoot(keys, { log }, now);
  const listEnd = Date.parse(keys.revocations.issuedAt) + root.revocationsMaxAgeDays * DAY_MS;
  const renewed = await openKeyDirectory(keys.directory);
  if (listEnd < soon) await issueRevocations(renewed, {}, now);
  return openKeyDirectory(keys.directory);
}

/** The newest signing key that was not revoked. */
function currentKey({ root, revocations, privateKeys, directory }: KeyDirectory): PrivateKey {
  const revoked = new Set(revocations.keys.map((one) => one.keyId));
  const usable = root.root.signers.filter((one) => one.notAfter === null && !revoked.has(one.keyId));
  const key = usable.map((one) => privateKeys.get(one.keyId)).findLast((one) => one !== undefined);
  if (key !== undefined) return key;
  throw new Error(`this stack has no signing key left that counts: assay keys rotate --dir ${directory}`);
}
