/** A trust root and its revocation list as a person reads them, and as a program does. */
import colors from 'picocolors';
import type { Revocations, TrustedSigner, TrustRoot } from '../../src/schema/trust.ts';
import { staleAt } from '../../src/signing/revocations.ts';
import { plain, print } from '../output.ts';

const SIGNER_STATES = ['current', 'ending', 'not yet', 'retired', 'revoked'] as const;

function signerState(
  { keyId, notBefore, notAfter }: TrustedSigner,
  revoked: Revocations['keys'],
  now: string,
): (typeof SIGNER_STATES)[number] {
  if (revoked.some((one) => one.keyId === keyId)) return 'revoked';
  if (now < notBefore) return 'not yet';
  if (notAfter === null) return 'current';
  return now <= notAfter ? 'ending' : 'retired';
}

export interface Described {
  readonly root: TrustRoot;
  readonly rootSha256: string;
  readonly revocations: Revocations;
}

export function describeJson({ root, rootSha256, revocations }: Described, now: string) {
  return {
    sequence: root.sequence,
    sha256: rootSha256,
    issuedAt: root.issuedAt,
    expiresAt: root.expiresAt,
    roles: root.roles,
    signers: root.signers.map((one) => ({ ...one, state: signerState(one, revocations.keys, now) })),
    log: root.log,
    revocations: {
      sequence: revocations.sequence,
      issuedAt: revocations.issuedAt,
      staleAt: staleAt(revocations, { root }),
      keys: revocations.keys,
      bundles: revocations.bundles,
    },
  };
}

export function describe({ root, rootSha256, revocations }: Described, now: string): void {
  describeRoot(root, rootSha256, revocations, now);
  const end = staleAt(revocations, { root });
  print(
    `revocation list ${revocations.sequence} of ${revocations.issuedAt}, until ${end} (${left(end, now)})`,
  );
  for (const one of revocations.keys) print(`  key ${one.keyId}, ${one.at}: ${plain(one.reason)}`);
  for (const one of revocations.bundles) print(`  bundle ${one.sha256}, ${one.at}: ${plain(one.reason)}`);
}

/** @param revocations `null` for a root by itself, before it counts */
export function describeRoot(
  root: TrustRoot,
  rootSha256: string,
  revocations: Revocations | null,
  now: string,
): void {
  print(`trust root ${root.sequence}, until ${root.expiresAt} (${left(root.expiresAt, now)})`);
  print(`  sha256 ${rootSha256}`);
  for (const name of ['root', 'revocations'] as const) {
    const { keyIds, threshold } = root.roles[name];
    print(`  ${name}: ${threshold} of ${keyIds.length} keys`);
  }
  if (root.log !== null) print(`  log: ${plain(root.log.origin)}`);
  print('signers');
  for (const one of root.signers) {
    const state = signerState(one, revocations?.keys ?? [], now);
    const until = one.notAfter === null ? '' : ` to ${one.notAfter}`;
    print(`  ${coloured(state)} ${plain(one.name)}, from ${one.notBefore}${until}`);
    print(`    key ${one.keyId}`);
  }
}

function coloured(state: (typeof SIGNER_STATES)[number]): string {
  if (state === 'revoked') return colors.red(state);
  return state === 'current' ? colors.green(state) : colors.yellow(state);
}

function left(end: string, now: string): string {
  const hours = Math.floor((Date.parse(end) - Date.parse(now)) / 3_600_000);
  if (hours < 0) return colors.red('over');
  return hours < 48 ? colors.yellow(`${hours} hours left`) : `${Math.floor(hours / 24)} days left`;
}
