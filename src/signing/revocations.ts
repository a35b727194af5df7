/**
 * The revocation list: keys and bundles that count no more. Signed by whom the trust root gives that
 * role, and good for as many days as the root says: an old list could hide what it lacks. Pure.
 */
import {
  REVOCATIONS_FORMAT,
  REVOCATIONS_TYPE,
  type Revocations,
  revocationsSchema,
} from '../schema/trust.ts';
import { sameBytes } from './bytes.ts';
import {
  type Distrusted,
  type DocumentKind,
  distrust,
  distrusted,
  MAX_ISSUER_SKEW_MS,
  missing,
  readEnvelope,
  readPayload,
  signedBy,
} from './document.ts';
import type { OpenedRoot } from './trust-root.ts';

export const DAY_MS = 86_400_000;

export const REVOCATIONS: DocumentKind<Revocations> = {
  name: 'revocations',
  noun: 'revocation list',
  payloadType: REVOCATIONS_TYPE,
  format: REVOCATIONS_FORMAT,
  schema: revocationsSchema,
  maxBytes: 4 * 1024 * 1024,
};

export interface OpenedRevocations {
  readonly ok: true;
  readonly revocations: Revocations;
  readonly payload: Uint8Array;
  readonly signedBy: ReadonlySet<string>;
}

/** A list under a root: everything but its time. Signatures are verified before the payload is parsed. */
export async function openRevocations(
  bytes: Uint8Array,
  { root, keys }: OpenedRoot,
): Promise<OpenedRevocations | Distrusted> {
  const envelope = await readEnvelope(REVOCATIONS, bytes);
  if (!envelope.ok) return envelope;
  const signers = await signedBy(REVOCATIONS, envelope, keys);
  if ('reason' in signers) return signers;
  const lacking = missing(root.roles.revocations, signers);
  if (lacking > 0) {
    const { threshold } = root.roles.revocations;
    return distrust(REVOCATIONS, 'threshold', `needs ${threshold} signatures, and lacks ${lacking}`);
  }
  const read = readRevocations(envelope.payload);
  return read.ok ? { ...read, payload: envelope.payload, signedBy: signers } : read;
}

/** The payload alone, for a list that is not signed by enough yet, or was trusted under an earlier root. */
export function readRevocations(
  payload: Uint8Array,
): { readonly ok: true; readonly revocations: Revocations } | Distrusted {
  const read = readPayload(REVOCATIONS, payload);
  if (!read.ok) return read;
  const { keys, bundles, issuedAt } = read.body;
  const named = [keys.map((one) => one.keyId), bundles.map((one) => one.sha256)];
  if (named.some((ids) => new Set(ids).size !== ids.length)) {
    return distrust(REVOCATIONS, 'malformed', 'names something twice');
  }
  if ([...keys, ...bundles].some((one) => one.at > issuedAt)) {
    return distrust(REVOCATIONS, 'malformed', 'has an entry that is later than itself');
  }
  return { ok: true, revocations: read.body };
}

/** When the list stops counting, ISO 8601. */
export function staleAt({ issuedAt }: Revocations, { root }: Pick<OpenedRoot, 'root'>): string {
  return new Date(Date.parse(issuedAt) + root.revocationsMaxAgeDays * DAY_MS).toISOString();
}

/** Whether the list may be used at `now`, ISO 8601. */
export function revocationsOutOfTime(
  revocations: Revocations,
  root: Pick<OpenedRoot, 'root'>,
  now: string,
): Distrusted | null {
  const { issuedAt } = revocations;
  if (Date.parse(issuedAt) > Date.parse(now) + MAX_ISSUER_SKEW_MS) {
    const message = `the revocation list was issued at ${issuedAt}, later than now (${now})`;
    return distrusted('revocations_future', message);
  }
  const end = staleAt(revocations, root);
  if (Date.parse(now) <= Date.parse(end)) return null;
  const days = root.root.revocationsMaxAgeDays;
  return distrusted(
    'revocations_stale',
    `the revocation list is of ${issuedAt}; after ${days} days, since ${end}, it says nothing about today`,
  );
}

/** Whether `next` may take the place of `current`: never older, and nothing forgotten. */
export function successionProblem(
  current: { readonly payload: Uint8Array; readonly revocations: Revocations },
  next: OpenedRevocations,
): Distrusted | null {
  const [before, after] = [current.revocations, next.revocations];
  if (after.sequence < before.sequence) {
    const message = `offered is revocation list ${after.sequence}, and ${before.sequence} is known here already`;
    return distrusted('revocations_rollback', message);
  }
  if (after.sequence === before.sequence) {
    if (sameBytes(current.payload, next.payload)) return null;
    return distrust(REVOCATIONS, 'forked', `with number ${after.sequence} is another one than is known here`);
  }
  const kept = new Set([...after.keys, ...after.bundles].map((one) => JSON.stringify(one)));
  const lost = [...before.keys, ...before.bundles].find((one) => !kept.has(JSON.stringify(one)));
  if (lost === undefined) return null;
  const what = 'keyId' in lost ? `key ${lost.keyId}` : `bundle ${lost.sha256}`;
  return distrusted('revocations_entry_lost', `the newer revocation list no longer has ${what} as it was`);
}
