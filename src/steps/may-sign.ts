/**
 * Whether the published trust root lets our key sign. A rule signed by a key that no consumer counts is
 * worth nothing, so the first step asks too, before a model is paid.
 */
import { Fault } from '../errors.ts';
import { publishedSigners, startsAt } from '../signing/published.ts';
import { onlySigner, type Signers } from '../signing/signers.ts';
import type { StepDeps } from './deps.ts';

/**
 * @param at when it is signed, ISO 8601
 * @returns whose signatures count: those of the published root, or our key's where no root is published
 * @throws Fault SIGNER_NOT_TRUSTED
 */
export async function assertMaySign(
  { store, signingKey, trustRootSha256 }: Pick<StepDeps, 'store' | 'signingKey' | 'trustRootSha256'>,
  at: string,
): Promise<Signers> {
  const { publicKey } = signingKey;
  const stored = (await store.trust.get())?.documents ?? null;
  const anchored = stored !== null && (trustRootSha256 === null || (await startsAt(stored, trustRootSha256)));
  if (!anchored) {
    if (trustRootSha256 === null) return onlySigner(publicKey);
    throw refused('TRUST_ROOT_SHA256 is set and no trust root from it on is published (assay keys publish)');
  }
  const published = await publishedSigners(stored);
  if (!published.ok) throw refused(published.message);
  const signer = published.signers.byKeyId.get(publicKey.keyId);
  if (signer === undefined) throw refused(`the published trust root does not have key ${publicKey.keyId}`);
  if (signer.revoked !== null) throw refused(`key ${signer.name} was revoked`);
  const { notBefore, notAfter } = signer;
  if (notBefore !== null && at < notBefore) throw refused(`key ${signer.name} counts from ${notBefore} only`);
  if (notAfter !== null && at > notAfter) throw refused(`key ${signer.name} counted until ${notAfter}`);
  return published.signers;
}

function refused(why: string): Fault {
  return new Fault('SIGNER_NOT_TRUSTED', why);
}
