/**
 * Issues trust documents: the next root or revocation list is made, signed with every private key that is
 * here and wanted, and counts at once when that is enough. When it is not, it is left in `pending/` with what
 * is there, for other key holders to sign. Nothing is ever issued twice under one number.
 */
import { join } from 'node:path';
import type { Revocations, Role, TrustRoot } from '../../src/schema/trust.ts';
import {
  type AnyKind,
  addSignatures,
  missing,
  readEnvelope,
  signDocument,
} from '../../src/signing/document.ts';
import { openRevocations, REVOCATIONS, readRevocations } from '../../src/signing/revocations.ts';
import { type OpenedRoot, readRoot, TRUST_ROOT } from '../../src/signing/trust-root.ts';
import { replaceFile } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';
import {
  install,
  type KeyDirectory,
  openKeyDirectory,
  PENDING,
  pendingFiles,
  REVOCATIONS_FILE,
  ROOT_FILE,
} from './key-directory.ts';

/** Signatures that a document still needs. */
export interface Lack {
  readonly count: number;
  /** Any of these keys can give one. */
  readonly keyIds: readonly string[];
}

export interface Issued {
  readonly kind: 'trust root' | 'revocation list';
  readonly sequence: number;
  /** Empty: it counts. */
  readonly lacking: readonly Lack[];
  /** Where it is. */
  readonly file: string;
}

/** @throws UsageError PENDING_EXISTS */
export async function refusePending(directory: string): Promise<void> {
  const [first] = await pendingFiles(directory);
  if (first === undefined) return;
  const hint = 'have it signed (assay keys sign), or remove it';
  throw new UsageError('PENDING_EXISTS', `${first} still waits for signatures`, hint);
}

/** Signs the next root, and makes it count when that is enough. */
export async function issueRoot(keys: KeyDirectory, root: TrustRoot): Promise<Issued[]> {
  await refusePending(keys.directory);
  return settleRoot(keys, signDocument(TRUST_ROOT, root, []));
}

/** The next revocation list, with these entries beside those that are there. */
export async function issueRevocations(
  keys: KeyDirectory,
  added: Partial<Pick<Revocations, 'keys' | 'bundles'>>,
  now: string,
): Promise<Issued> {
  await refusePending(keys.directory);
  const { revocations: before } = keys;
  const next: Revocations = {
    ...before,
    sequence: before.sequence + 1,
    // A clock that went back must not make a list that is older than the one it follows.
    issuedAt: now > before.issuedAt ? now : before.issuedAt,
    keys: [...before.keys, ...(added.keys ?? [])],
    bundles: [...before.bundles, ...(added.bundles ?? [])],
  };
  return settleRevocations(keys, signDocument(REVOCATIONS, next, []));
}

/** Signs a root with what is here; installs it when complete. */
export async function settleRoot(keys: KeyDirectory, bytes: Uint8Array): Promise<Issued[]> {
  const unsigned = await readRoot(bytes);
  if (!unsigned.ok) throw refused(unsigned.message);
  const wanted = [...unsigned.root.roles.root.keyIds, ...keys.root.root.roles.root.keyIds];
  const signed = await signWith(keys, TRUST_ROOT, bytes, wanted);
  const opened = await readRoot(signed);
  if (!opened.ok) throw refused(opened.message);
  const lacking = rootLacks(keys.root, opened);
  const { sequence } = opened.root;
  const issued = await place(keys, ROOT_FILE, sequence, signed, lacking);
  if (lacking.length > 0) return [issued];
  const renewed = await openKeyDirectory(keys.directory);
  // A root that gives the revocations to another key leaves the list without a signature that counts.
  if ((await openRevocations(renewed.revocationsBytes, renewed.root)).ok) return [issued];
  return [issued, await issueRevocations(renewed, {}, opened.root.issuedAt)];
}

export async function settleRevocations(keys: KeyDirectory, bytes: Uint8Array): Promise<Issued> {
  const role = keys.root.root.roles.revocations;
  const signed = await signWith(keys, REVOCATIONS, bytes, role.keyIds);
  const envelope = await readEnvelope(REVOCATIONS, signed);
  if (!envelope.ok) throw refused(envelope.message);
  const read = readRevocations(envelope.payload);
  if (!read.ok) throw refused(read.message);
  const lacking = lackOf(role, new Set(envelope.signatures.map((one) => one.keyid)));
  if (lacking.length === 0) {
    const opened = await openRevocations(signed, keys.root);
    if (!opened.ok) throw refused(opened.message);
  }
  return place(keys, REVOCATIONS_FILE, read.revocations.sequence, signed, lacking);
}

async function place(
  { directory }: KeyDirectory,
  name: typeof ROOT_FILE | typeof REVOCATIONS_FILE,
  sequence: number,
  bytes: Uint8Array,
  lacking: readonly Lack[],
): Promise<Issued> {
  const complete = lacking.length === 0;
  const file = join(directory, complete ? 'public' : PENDING, name);
  if (complete) await install(directory, name, sequence, bytes);
  else await replaceFile(file, bytes);
  return { kind: name === ROOT_FILE ? 'trust root' : 'revocation list', sequence, lacking, file };
}

async function signWith(
  { privateKeys }: Pick<KeyDirectory, 'privateKeys'>,
  kind: AnyKind,
  bytes: Uint8Array,
  wanted: readonly string[],
): Promise<Uint8Array> {
  const envelope = await readEnvelope(kind, bytes);
  if (!envelope.ok) throw refused(envelope.message);
  const here = wanted.flatMap((id) => privateKeys.get(id)?.key ?? []);
  return addSignatures(kind, envelope, here);
}

function rootLacks(before: OpenedRoot, next: OpenedRoot): Lack[] {
  const [own, former] = [next.root.roles.root, before.root.roles.root];
  const lacks = [...lackOf(former, next.signedBy), ...lackOf(own, next.signedBy)];
  const texts = lacks.map((one) => JSON.stringify(one));
  return lacks.filter((_, at) => texts.indexOf(texts[at] ?? '') === at);
}

function lackOf(role: Role, signers: ReadonlySet<string>): Lack[] {
  const count = missing(role, signers);
  return count === 0 ? [] : [{ count, keyIds: role.keyIds.filter((id) => !signers.has(id)) }];
}

function refused(message: string): UsageError {
  return new UsageError('BAD_DOCUMENT', message);
}
