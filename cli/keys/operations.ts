/**
 * What an operator does with keys: make them, rotate, revoke, renew. Each takes the moment it happens at, so
 * that the local stack and tests use the same code as the command line. Prints nothing.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Revocations, TrustedLog, TrustedSigner, TrustRoot } from '../../src/schema/trust.ts';
import { REVOCATIONS_FORMAT, TRUST_ROOT_FORMAT } from '../../src/schema/trust.ts';
import { signDocument } from '../../src/signing/document.ts';
import { publicKeyPem } from '../../src/signing/ed25519.ts';
import { DAY_MS, REVOCATIONS } from '../../src/signing/revocations.ts';
import { TRUST_ROOT } from '../../src/signing/trust-root.ts';
import { UsageError } from '../exit.ts';
import { type Issued, issueRevocations, issueRoot, refusePending } from './issue.ts';
import {
  install,
  type KeyDirectory,
  openKeyDirectory,
  REVOCATIONS_FILE,
  ROOT_FILE,
} from './key-directory.ts';
import { createPrivateKey, makeKeyDirectory, type PrivateKey } from './private-keys.ts';

/** A key that signed before there was a root: what it signed stays good. */
const EVER = '1970-01-01T00:00:00.000Z';

export interface InitOptions {
  readonly rootKeys: number;
  readonly threshold: number;
  readonly validDays: number;
  readonly revocationsMaxAgeDays: number;
  /** What the root calls the signing key; default: its file name. */
  readonly name?: string;
  readonly log?: TrustedLog | null;
  /** A signing key that is in use already, PKCS#8 PEM. */
  readonly adopt?: string;
}

/** @throws UsageError KEYS_EXIST | TRACKED_BY_GIT | BAD_THRESHOLD | BAD_KEY */
export async function initKeys(directory: string, options: InitOptions, now: string): Promise<KeyDirectory> {
  if (options.threshold > options.rootKeys) {
    throw new UsageError('BAD_THRESHOLD', 'a threshold cannot be higher than the number of root keys');
  }
  await refuseExisting(directory);
  await makeKeyDirectory(directory);
  // A list without a root is what an interrupted start left; nothing ever counted under it.
  await rm(join(directory, 'public'), { recursive: true, force: true });
  const rootKeys: PrivateKey[] = [];
  for (let n = 0; n < options.rootKeys; n += 1) rootKeys.push(await createPrivateKey(directory, 'root'));
  const revoker = await createPrivateKey(directory, 'revocations');
  const signing = await createPrivateKey(directory, 'signing', 0, options.adopt);
  const from = options.adopt === undefined ? now : EVER;
  const root: TrustRoot = {
    format: TRUST_ROOT_FORMAT,
    sequence: 1,
    issuedAt: now,
    expiresAt: later(now, options.validDays * DAY_MS),
    roles: {
      root: { keyIds: rootKeys.map(idOf), threshold: options.threshold },
      revocations: { keyIds: [idOf(revoker)], threshold: 1 },
    },
    keys: [...rootKeys, revoker].map(listed),
    signers: [signerOf(signing, options.name ?? signing.name, from)],
    revocationsMaxAgeDays: options.revocationsMaxAgeDays,
    log: options.log ?? null,
  };
  const list: Revocations = { format: REVOCATIONS_FORMAT, sequence: 1, issuedAt: now, keys: [], bundles: [] };
  const signers = rootKeys.map((one) => one.key);
  // The root last: until it is there, the directory holds no keys as far as any command is concerned.
  await install(directory, REVOCATIONS_FILE, 1, signDocument(REVOCATIONS, list, [revoker.key]));
  await install(directory, ROOT_FILE, 1, signDocument(TRUST_ROOT, root, signers));
  return openKeyDirectory(directory);
}

async function refuseExisting(directory: string): Promise<void> {
  const there = await openKeyDirectory(directory).then(
    () => true,
    (error: unknown) => !(error instanceof UsageError && error.code === 'NO_KEYS'),
  );
  if (!there) return;
  const hint = 'rotate them (assay keys rotate), or choose another --dir';
  throw new UsageError('KEYS_EXIST', `${directory} holds keys already`, hint);
}

export interface RotateOptions {
  readonly name?: string;
  /** How long the old key still counts beside the new one. */
  readonly overlapMs: number;
  readonly adopt?: string;
}

/** A new signing key. The old ones get an end, so that what they signed until then still verifies. */
export async function rotateKey(
  keys: KeyDirectory,
  options: RotateOptions,
  now: string,
): Promise<{ readonly signing: PrivateKey; readonly issued: readonly Issued[] }> {
  await refusePending(keys.directory);
  const { root } = keys.root;
  if (root.signers.some((one) => one.name === options.name)) {
    throw new UsageError('NAME_TAKEN', `there is a signer ${options.name} already`);
  }
  const signing = await createPrivateKey(keys.directory, 'signing', root.signers.length, options.adopt);
  const name = options.name ?? freeName(signing.name, root.signers);
  const end = later(now, options.overlapMs);
  const ended = root.signers.map((one) =>
    one.notAfter !== null && one.notAfter <= end ? one : { ...one, notAfter: latest(end, one.notBefore) },
  );
  const signers = [...ended, signerOf(signing, name, now)];
  const issued = await issueRoot(keys, { ...nextRoot(root, now), signers });
  return { signing, issued };
}

export interface RevokeOptions {
  readonly keyIds: readonly string[];
  readonly bundles: readonly string[];
  readonly reason: string;
}

/** Entries that are there already stay as they are. */
export function revoke(keys: KeyDirectory, options: RevokeOptions, now: string): Promise<Issued> {
  const { revocations } = keys;
  const [goneKeys, goneBundles] = [
    new Set(revocations.keys.map((one) => one.keyId)),
    new Set(revocations.bundles.map((one) => one.sha256)),
  ];
  const at = now > revocations.issuedAt ? now : revocations.issuedAt;
  const entry = { at, reason: options.reason };
  return issueRevocations(
    keys,
    {
      keys: options.keyIds.filter((id) => !goneKeys.has(id)).map((keyId) => ({ keyId, ...entry })),
      bundles: options.bundles.filter((id) => !goneBundles.has(id)).map((sha256) => ({ sha256, ...entry })),
    },
    now,
  );
}

/** The next number, valid from now for as long as the root before was, or for so many days. */
export function nextRoot(root: TrustRoot, now: string, validDays?: number): TrustRoot {
  const validMs =
    validDays === undefined ? Date.parse(root.expiresAt) - Date.parse(root.issuedAt) : validDays * DAY_MS;
  const needed = new Set([...root.roles.root.keyIds, ...root.roles.revocations.keyIds]);
  return {
    ...root,
    sequence: root.sequence + 1,
    issuedAt: now,
    expiresAt: later(now, validMs),
    keys: root.keys.filter((one) => needed.has(one.keyId)),
  };
}

function freeName(wanted: string, signers: readonly TrustedSigner[]): string {
  const taken = new Set(signers.map((one) => one.name));
  let name = wanted;
  for (let n = 2; taken.has(name); n += 1) name = `${wanted}.${n}`;
  return name;
}

function signerOf(key: PrivateKey, name: string, notBefore: string): TrustedSigner {
  return { name, ...listed(key), notBefore, notAfter: null };
}

export function listed({ key }: PrivateKey): { keyId: string; publicKey: string } {
  return { keyId: key.publicKey.keyId, publicKey: bare(publicKeyPem(key.publicKey)) };
}

/** A PEM's base64 alone. */
function bare(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, '');
}

export function idOf({ key }: PrivateKey): string {
  return key.publicKey.keyId;
}

export function later(now: string, ms: number): string {
  return new Date(Date.parse(now) + ms).toISOString();
}

function latest(a: string, b: string): string {
  return a > b ? a : b;
}
