/** The next trust root for other reasons than a new signing key: a later end, other document keys, another log. */
import type { TrustedLog } from '../../src/schema/trust.ts';
import { UsageError } from '../exit.ts';
import { type Issued, issueRoot, refusePending } from './issue.ts';
import type { KeyDirectory } from './key-directory.ts';
import { idOf, listed, nextRoot } from './operations.ts';
import { createPrivateKey, type PrivateKey } from './private-keys.ts';

export interface RenewOptions {
  readonly validDays?: number;
  readonly revocationsMaxAgeDays?: number;
  readonly log?: TrustedLog | null;
  /** Keys of a role that leave, each for a new one. */
  readonly replace?: readonly string[];
  readonly addRootKeys?: number;
  readonly threshold?: number;
}

/** A root with a later end and, where asked, other document keys or another log. Signers stay. */
export async function renewRoot(keys: KeyDirectory, options: RenewOptions, now: string): Promise<Issued[]> {
  await refusePending(keys.directory);
  const { root } = keys.root;
  const { roles } = root;
  if ((options.threshold ?? 1) > roles.root.keyIds.length + (options.addRootKeys ?? 0)) {
    throw new UsageError('BAD_THRESHOLD', 'a threshold cannot be higher than the number of root keys');
  }
  const added: PrivateKey[] = [];
  const replaced = new Map<string, string>();
  for (const keyId of new Set(options.replace)) {
    const role = (['root', 'revocations'] as const).find((one) => roles[one].keyIds.includes(keyId));
    if (role === undefined) throw new UsageError('UNKNOWN_KEY', `no role has the key ${keyId}`);
    const key = await createPrivateKey(keys.directory, role, roles[role].keyIds.length);
    added.push(key);
    replaced.set(keyId, idOf(key));
  }
  const more: string[] = [];
  for (let n = 0; n < (options.addRootKeys ?? 0); n += 1) {
    const key = await createPrivateKey(keys.directory, 'root', roles.root.keyIds.length);
    added.push(key);
    more.push(idOf(key));
  }
  const withNew = (ids: readonly string[]) => ids.map((id) => replaced.get(id) ?? id);
  const nextRoles = {
    root: {
      keyIds: [...withNew(roles.root.keyIds), ...more],
      threshold: options.threshold ?? roles.root.threshold,
    },
    revocations: { ...roles.revocations, keyIds: withNew(roles.revocations.keyIds) },
  };
  // Root keys that leave stay listed this once: their signatures carry the change.
  const needed = new Set([...nextRoles.root.keyIds, ...nextRoles.revocations.keyIds, ...roles.root.keyIds]);
  const here = new Map([...keys.privateKeys, ...added.map((one) => [idOf(one), one] as const)]);
  return issueRoot(
    { ...keys, privateKeys: here },
    {
      ...nextRoot(root, now, options.validDays),
      roles: nextRoles,
      keys: [...root.keys, ...added.map(listed)].filter((one) => needed.has(one.keyId)),
      revocationsMaxAgeDays: options.revocationsMaxAgeDays ?? root.revocationsMaxAgeDays,
      log: options.log === undefined ? root.log : options.log,
    },
  );
}
