/**
 * From two files to whose signatures count: `openTrust` decides at one moment, `acceptUpdate` whether newer
 * files may take the place of those that are trusted. Pure: no file, clock or network. Every failure is a
 * tagged reason (`TRUST_REASONS`); none leaves anything trusted. Normative text: `docs/spec/trust.md`.
 */
import type { Revocations, TrustRoot } from '../schema/trust.ts';
import { type Distrusted, distrusted, readEnvelope } from './document.ts';
import {
  type OpenedRevocations,
  openRevocations,
  REVOCATIONS,
  readRevocations,
  revocationsOutOfTime,
  successionProblem,
} from './revocations.ts';
import type { Signer, Signers } from './signers.ts';
import { followChain, type OpenedRoot, openRoot, rootOutOfTime } from './trust-root.ts';

export interface OpenedTrust {
  readonly ok: true;
  readonly signers: Signers;
  readonly root: TrustRoot;
  readonly revocations: Revocations;
  /** Fingerprint of the root file: SHA-256, lower-case hex. */
  readonly rootSha256: string;
}

/**
 * @param rootBytes `trust-root.json` as read; `null` when there is none
 * @param revocationsBytes `revocations.json` as read; `null` when there is none, which is refused too
 * @param now ISO 8601
 */
export async function openTrust(
  rootBytes: Uint8Array | null,
  revocationsBytes: Uint8Array | null,
  now: string,
): Promise<OpenedTrust | Distrusted> {
  if (rootBytes === null) return distrusted('trust_root_missing', 'there is no trust root');
  const root = await openRoot(rootBytes);
  if (!root.ok) return root;
  const opened = await openUnder(root, revocationsBytes, now);
  if (!opened.ok) return opened;
  const { list: _, ...trust } = opened;
  return trust;
}

async function openUnder(
  root: OpenedRoot,
  revocationsBytes: Uint8Array | null,
  now: string,
): Promise<(OpenedTrust & { readonly list: OpenedRevocations }) | Distrusted> {
  const tooOldOrNew = rootOutOfTime(root.root, now);
  if (tooOldOrNew !== null) return tooOldOrNew;
  if (revocationsBytes === null) {
    return distrusted('revocations_missing', 'there is no revocation list beside the trust root');
  }
  const list = await openRevocations(revocationsBytes, root);
  if (!list.ok) return list;
  const stale = revocationsOutOfTime(list.revocations, root, now);
  if (stale !== null) return stale;
  const signers = toSigners(root, list.revocations, now);
  return { ok: true, signers, root: root.root, revocations: list.revocations, rootSha256: root.sha256, list };
}

export function toSigners(
  { root, signerKeys }: OpenedRoot,
  revocations: Revocations,
  now: string | null,
): Signers {
  const revokedKeys = new Map(revocations.keys.map((one) => [one.keyId, one.reason]));
  const byKeyId = new Map<string, Signer>();
  for (const { keyId, name, notBefore, notAfter } of root.signers) {
    const key = signerKeys.get(keyId);
    if (key === undefined) continue;
    byKeyId.set(keyId, { key, name, notBefore, notAfter, revoked: revokedKeys.get(keyId) ?? null });
  }
  return {
    byKeyId,
    revokedBundles: new Map(revocations.bundles.map((one) => [one.sha256, one.reason])),
    now,
  };
}

export interface TrustFiles {
  readonly root: Uint8Array;
  /** `null` when it got lost; then it cannot be told whether an older one is offered. */
  readonly revocations: Uint8Array | null;
}

export interface TrustOffer {
  /** Root files, ascending; those before the current one may be among them. */
  readonly roots: readonly Uint8Array[];
  readonly revocations: Uint8Array | null;
}

export interface Update extends OpenedTrust {
  /** What takes the place of the current files. */
  readonly files: { readonly root: Uint8Array; readonly revocations: Uint8Array };
  readonly changed: { readonly root: boolean; readonly revocations: boolean };
}

/** Whether `offer` may take the place of `current`, which may have expired since. */
export async function acceptUpdate(
  current: TrustFiles,
  offer: TrustOffer,
  now: string,
): Promise<Update | Distrusted> {
  const trusted = await openRoot(current.root);
  if (!trusted.ok) return keptHere(trusted);
  const chain = await followChain(trusted, offer.roots);
  if (!chain.ok) return chain;
  const opened = await openUnder(chain.newest, offer.revocations, now);
  if (!opened.ok) return opened;
  // What a stolen key has listed must not outlive it: neither its entries nor a number nobody can reach.
  const { listsFrom } = chain;
  if (listsFrom !== null && opened.revocations.issuedAt < listsFrom) {
    const message = `the revocation list is older than the root of ${listsFrom} that changed who signs it`;
    return distrusted('revocations_rollback', message);
  }
  const known = listsFrom === null ? await knownRevocations(current.revocations) : null;
  if (known !== null && !known.ok) return keptHere(known);
  const broken = known === null ? null : successionProblem(known, opened.list);
  if (broken !== null) return broken;
  const { list, ...trust } = opened;
  return {
    ...trust,
    files: { root: chain.bytes ?? current.root, revocations: offer.revocations ?? new Uint8Array() },
    changed: {
      root: chain.bytes !== null,
      revocations: known === null || list.revocations.sequence !== known.revocations.sequence,
    },
  };
}

/** So that nobody looks for the fault in what was offered. */
function keptHere(distrusted: Distrusted): Distrusted {
  return { ...distrusted, message: `of the files that are trusted now, ${distrusted.message}` };
}

/** Accepted once, so its signatures are not asked for again: its keys may have left the root since. */
async function knownRevocations(bytes: Uint8Array | null) {
  if (bytes === null) return null;
  const envelope = await readEnvelope(REVOCATIONS, bytes);
  if (!envelope.ok) return envelope;
  const read = readRevocations(envelope.payload);
  return read.ok ? { ...read, payload: envelope.payload } : read;
}
