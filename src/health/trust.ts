/**
 * Whether consumers would believe what is signed now: the published root has our key, and neither root nor
 * revocation list is about to run out. A list that has run out makes every consumer refuse every rule.
 */
import type { Config } from '../env.ts';
import type { TrustDocument } from '../schema/trust.ts';
import { encodeDocument } from '../signing/document.ts';
import { openRevocations, staleAt } from '../signing/revocations.ts';
import { openRoot } from '../signing/trust-root.ts';
import { assertMaySign } from '../steps/may-sign.ts';
import type { Store } from '../store/store.ts';
import { type Finding, fine, type Part } from './check.ts';

/** A fifth of its life before the end: somebody has time to act, and a daily refresh is never warned of. */
const WARN_SHARE = 0.2;

export function trustPart(config: Config, store: Store, now: Date): Part {
  return {
    name: 'trust',
    mend: 'give the signing key a place in the trust root and publish it: "assay keys publish"',
    look: async (): Promise<Finding> => {
      const { signingKey, trustRootSha256 } = config;
      // The same question that the first step of every generation asks.
      await assertMaySign({ store, signingKey, trustRootSha256 }, now.toISOString());
      const documents = (await store.trust.get())?.documents;
      const newest = documents?.roots.at(-1);
      if (documents === undefined || newest === undefined) {
        return fine('no trust root is published: consumers take the key of /v1/keys as it is');
      }
      const root = await openRoot(bytesOf(newest));
      if (!root.ok) throw new Error(root.message);
      const list = await openRevocations(bytesOf(documents.revocations), root);
      if (!list.ok) throw new Error(list.message);
      const { issuedAt } = list.revocations;
      return (
        lifeOf('revocation list', issuedAt, staleAt(list.revocations, root), 'refresh', now) ??
        lifeOf('trust root', root.root.issuedAt, root.root.expiresAt, 'renew', now) ??
        fine(`the key may sign; the revocation list counts until ${staleAt(list.revocations, root)}`)
      );
    },
  };
}

function lifeOf(what: string, from: string, to: string, command: string, now: Date): Finding | null {
  const [start, end, at] = [Date.parse(from), Date.parse(to), now.getTime()];
  const next = `"assay keys ${command}", then "assay keys publish"`;
  if (at > end) {
    return { state: 'down', message: `the ${what} ran out at ${to}: consumers refuse every rule`, next };
  }
  if (end - at > (end - start) * WARN_SHARE) return null;
  return { state: 'degraded', message: `the ${what} runs out at ${to}`, next };
}

function bytesOf(document: TrustDocument): Uint8Array {
  return new TextEncoder().encode(encodeDocument(document));
}
