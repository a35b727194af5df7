/**
 * The trust documents a service publishes: whether newer ones may take their place, and whom they let sign.
 * The chain starts at one root that the operator names by its digest; without that name none is taken, so
 * that a token alone cannot choose whom consumers of this service are told to trust. Pure.
 */
import { sha256Hex } from '../rules/digest.ts';
import type { PublishedTrust, TrustDocument } from '../schema/trust.ts';
import { type Distrusted, distrusted, encodeDocument } from './document.ts';
import { openRevocations } from './revocations.ts';
import type { Signers } from './signers.ts';
import { acceptUpdate, type OpenedTrust, openTrust, toSigners } from './trust.ts';
import { followChain, openRoot } from './trust-root.ts';

export interface Accepted {
  readonly ok: true;
  /** From the anchor on. */
  readonly documents: PublishedTrust;
  readonly root: number;
  readonly revocations: number;
}

/**
 * @param stored what is published now; left aside when it does not start at the anchor
 * @param anchorSha256 SHA-256 of the file of the first root that counts
 * @param now ISO 8601
 */
export async function acceptPublication(
  stored: PublishedTrust | null,
  offered: PublishedTrust,
  anchorSha256: string,
  now: string,
): Promise<Accepted | Distrusted> {
  const anchored = await fromAnchor(offered, anchorSha256);
  const [first, ...later] = anchored;
  if (first === undefined) {
    return distrusted(
      'trust_root_chain',
      'the chain does not start at the trust root this service is set to',
    );
  }
  // All of it: consumers that were away for long follow it from an old root.
  const files = anchored.map(bytesOf);
  const anchor = await openRoot(bytesOf(first));
  if (!anchor.ok) return anchor;
  const whole = await followChain(anchor, files);
  if (!whole.ok) return whole;
  const known = stored !== null && (await startsAt(stored, anchorSha256)) ? stored : null;
  const accepted = await acceptUpdate(
    {
      root: bytesOf(known?.roots.at(-1) ?? first),
      revocations: known === null ? null : bytesOf(known.revocations),
    },
    { roots: files, revocations: bytesOf(offered.revocations) },
    now,
  );
  if (!accepted.ok) return accepted;
  return {
    ok: true,
    documents: { roots: [first, ...later], revocations: offered.revocations },
    root: accepted.root.sequence,
    revocations: accepted.revocations.sequence,
  };
}

/** Whether these documents count under this anchor at all. */
export async function startsAt({ roots }: PublishedTrust, anchorSha256: string): Promise<boolean> {
  const [first] = roots;
  return first !== undefined && (await sha256Hex(bytesOf(first))) === anchorSha256;
}

/** The roots from the anchor on; none when it is not among them. */
async function fromAnchor({ roots }: PublishedTrust, anchorSha256: string): Promise<TrustDocument[]> {
  for (const [at, root] of roots.entries()) {
    if ((await sha256Hex(bytesOf(root))) === anchorSha256) return roots.slice(at);
  }
  return [];
}

/**
 * Who may sign under what is published. Neither document's age is asked about: both can be issued again, and
 * what is signed now will verify under the newer ones.
 */
export async function publishedSigners({
  roots,
  revocations,
}: PublishedTrust): Promise<{ readonly ok: true; readonly signers: Signers } | Distrusted> {
  const newest = roots.at(-1);
  if (newest === undefined) return distrusted('trust_root_missing', 'there is no trust root');
  const root = await openRoot(bytesOf(newest));
  if (!root.ok) return root;
  const list = await openRevocations(bytesOf(revocations), root);
  if (!list.ok) return list;
  return { ok: true, signers: toSigners(root, list.revocations, null) };
}

/** What a consumer trusts who has the newest of these documents, at one moment: both must be in time. */
export function openPublished(
  { roots, revocations }: PublishedTrust,
  now: string,
): Promise<OpenedTrust | Distrusted> {
  const newest = roots.at(-1);
  return openTrust(newest === undefined ? null : bytesOf(newest), bytesOf(revocations), now);
}

function bytesOf(document: TrustDocument): Uint8Array {
  return new TextEncoder().encode(encodeDocument(document));
}
