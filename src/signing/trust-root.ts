/**
 * The trust root: who may sign rules, who may change that, and who may revoke. A root is signed by its
 * own threshold and, but for the first, by that of the root before it. Pure; reads no clock.
 */
import { TRUST_ROOT_FORMAT, TRUST_ROOT_TYPE, type TrustRoot, trustRootSchema } from '../schema/trust.ts';
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
import { type PublicKey, parsePublicKey } from './ed25519.ts';

export const TRUST_ROOT: DocumentKind<TrustRoot> = {
  name: 'trust_root',
  noun: 'trust root',
  payloadType: TRUST_ROOT_TYPE,
  format: TRUST_ROOT_FORMAT,
  schema: trustRootSchema,
  maxBytes: 1024 * 1024,
};

export interface OpenedRoot {
  readonly ok: true;
  readonly root: TrustRoot;
  readonly payload: Uint8Array;
  /** Keys that sign documents, by key id. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** Keys that sign rules, by key id. */
  readonly signerKeys: ReadonlyMap<string, PublicKey>;
  readonly signedBy: ReadonlySet<string>;
  /** Fingerprint: SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
}

/** A root by itself: everything but its times and its place in a chain. */
export async function openRoot(bytes: Uint8Array): Promise<OpenedRoot | Distrusted> {
  const read = await readRoot(bytes);
  if (!read.ok) return read;
  const lacking = missing(read.root.roles.root, read.signedBy);
  if (lacking > 0) {
    const { threshold } = read.root.roles.root;
    return distrust(
      TRUST_ROOT,
      'threshold',
      `needs ${threshold} signatures of its own, and lacks ${lacking}`,
    );
  }
  return read;
}

/** The same without asking whether enough have signed: for a document that still goes round. */
export async function readRoot(bytes: Uint8Array): Promise<OpenedRoot | Distrusted> {
  const envelope = await readEnvelope(TRUST_ROOT, bytes);
  if (!envelope.ok) return envelope;
  const read = readPayload(TRUST_ROOT, envelope.payload);
  if (!read.ok) return read;
  const root = read.body;
  const problem = shapeProblem(root);
  if (problem !== null) return distrust(TRUST_ROOT, 'malformed', problem);
  const keys = await publicKeys(root.keys);
  const signerKeys = await publicKeys(root.signers);
  if (keys === null || signerKeys === null) {
    return distrust(TRUST_ROOT, 'malformed', 'has a key that is no Ed25519 key, or not that of its id');
  }
  if (root.log !== null && (await parsePublicKey(root.log.publicKey)) === null) {
    return distrust(TRUST_ROOT, 'malformed', 'has a log whose key is no Ed25519 key');
  }
  const signers = await signedBy(TRUST_ROOT, envelope, keys);
  if ('reason' in signers) return signers;
  const { payload, sha256 } = envelope;
  return { ok: true, root, payload, keys, signerKeys, signedBy: signers, sha256 };
}

function shapeProblem({ keys, signers, roles, issuedAt, expiresAt }: TrustRoot): string | null {
  if (issuedAt >= expiresAt) return 'expires before it is issued';
  const known = new Set(keys.map((one) => one.keyId));
  if (known.size !== keys.length) return 'names a key twice';
  for (const [name, { keyIds, threshold }] of Object.entries(roles)) {
    if (new Set(keyIds).size !== keyIds.length) return `names a key twice for ${name}`;
    if (threshold > keyIds.length) return `asks for more signatures for ${name} than there are keys`;
    if (keyIds.some((id) => !known.has(id))) return `gives ${name} a key it does not hold`;
  }
  if (new Set(signers.map((one) => one.name)).size !== signers.length) return 'names a signer twice';
  if (new Set(signers.map((one) => one.keyId)).size !== signers.length) return 'has two signers with one key';
  // Whoever takes the service over holds the signing key, and must not be able to change whom to trust.
  if (signers.some((one) => known.has(one.keyId))) return 'lets a key sign both rules and documents';
  const backwards = signers.find((one) => one.notAfter !== null && one.notAfter < one.notBefore);
  return backwards === undefined ? null : `has a signer whose time ends before it begins (${backwards.name})`;
}

/** `null` unless every key is an Ed25519 key and has the id it claims. */
async function publicKeys(
  listed: readonly { readonly keyId: string; readonly publicKey: string }[],
): Promise<ReadonlyMap<string, PublicKey> | null> {
  const keys = new Map<string, PublicKey>();
  for (const { keyId, publicKey } of listed) {
    const key = await parsePublicKey(publicKey);
    if (key === null || key.keyId !== keyId) return null;
    keys.set(keyId, key);
  }
  return keys;
}

/** Whether a root may be used at `now`, ISO 8601. */
export function rootOutOfTime({ issuedAt, expiresAt }: TrustRoot, now: string): Distrusted | null {
  if (Date.parse(issuedAt) > Date.parse(now) + MAX_ISSUER_SKEW_MS) {
    return distrusted(
      'trust_root_future',
      `the trust root was issued at ${issuedAt}, later than now (${now})`,
    );
  }
  if (Date.parse(now) > Date.parse(expiresAt)) {
    return distrusted('trust_root_expired', `the trust root expired at ${expiresAt}`);
  }
  return null;
}

/** Whether `next` is the root after `previous`: next number, and signed by enough of the keys before. */
function chainProblem(previous: OpenedRoot, next: OpenedRoot): Distrusted | null {
  const [before, after] = [previous.root.sequence, next.root.sequence];
  if (after !== before + 1) {
    return distrusted('trust_root_chain', `trust root ${after} does not come after ${before}`);
  }
  const lacking = stillMissing(previous, next);
  if (lacking === 0) return null;
  return distrusted(
    'trust_root_chain',
    `trust root ${after} lacks ${lacking} of the signatures that root ${before} asks for`,
  );
}

/** How many keys of the root before still have to sign `next`. */
function stillMissing(previous: OpenedRoot, next: OpenedRoot): number {
  return missing(previous.root.roles.root, next.signedBy);
}

export interface Chain {
  readonly ok: true;
  readonly newest: OpenedRoot;
  /** The newest root's file; `null` when it is the trusted one. */
  readonly bytes: Uint8Array | null;
  /** When a root on the way took the revocations from a key; lists from before that moment are void. */
  readonly listsFrom: string | null;
}

/**
 * Follows a chain from a root that is trusted to the newest one.
 * @param roots ascending and without a gap; of those before `trusted` nothing but their own form is asked
 */
export async function followChain(
  trusted: OpenedRoot,
  roots: readonly Uint8Array[],
): Promise<Chain | Distrusted> {
  let newest = trusted;
  let bytes: Uint8Array | null = null;
  let listsFrom: string | null = null;
  let last = 0;
  for (const file of roots) {
    const root = await openRoot(file);
    if (!root.ok) return root;
    if (last !== 0 && root.root.sequence !== last + 1) {
      return distrusted('trust_root_chain', `trust root ${root.root.sequence} does not come after ${last}`);
    }
    last = root.root.sequence;
    if (last < newest.root.sequence) continue;
    if (last === newest.root.sequence) {
      if (sameBytes(root.payload, newest.payload)) continue;
      return distrust(TRUST_ROOT, 'forked', `with number ${last} is another one than is known here`);
    }
    const broken = chainProblem(newest, root);
    if (broken !== null) return broken;
    if (takesRevocationKey(newest, root)) listsFrom = root.root.issuedAt;
    newest = root;
    bytes = file;
  }
  if (last === 0) return distrusted('trust_root_missing', 'there is no trust root');
  if (last < trusted.root.sequence) {
    const message = `offered is trust root ${last}, and ${trusted.root.sequence} is known here already`;
    return distrusted('trust_root_rollback', message);
  }
  return { ok: true, newest, bytes, listsFrom };
}

function takesRevocationKey(before: OpenedRoot, after: OpenedRoot): boolean {
  const kept = after.root.roles.revocations.keyIds;
  return before.root.roles.revocations.keyIds.some((id) => !kept.includes(id));
}
