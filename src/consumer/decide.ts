/**
 * Whether a rule that was read counts here: signature and files, the log's proof beside them, and the policy,
 * in this order. The same for every command and for `POST /v1/verify`. Decides on bytes in memory; reads nothing.
 */
import { BUNDLE_FILE, PROOF_FILE } from '../rules/layout.ts';
import { type Policy, type Violation, violations } from '../signing/policy.ts';
import type { Signers } from '../signing/signers.ts';
import { isUnreadable, type RefusalReason, type Verified, verifyRule } from '../signing/verify.ts';
import type { LogKey } from '../tlog/checkpoint.ts';
import { isUnreadableProof, type ProofAnswer, type ProofReason, verifyProof } from '../tlog/proof.ts';

export interface Trusted {
  readonly signers: Signers;
  readonly policy: Policy;
  /** The log whose proofs count; `null` when the trust root names none, or there is one key only. */
  readonly log: LogKey | null;
  /** The moment everything is judged at, ISO 8601. */
  readonly now: string;
}

/** Where the log has the bundle, as a proof that held says. */
export type Logged = Extract<ProofAnswer, { ok: true }>;

export type Decision =
  | { readonly kind: 'counts'; readonly rule: Verified; readonly logged: Logged | null }
  | {
      readonly kind: 'short';
      readonly rule: Verified;
      readonly logged: Logged | null;
      readonly violations: readonly Violation[];
    }
  | {
      readonly kind: 'refused';
      readonly reason: 'not_signed' | RefusalReason | ProofReason;
      readonly message: string;
      /** True when the reason says nothing about the rule: it could not be judged. */
      readonly unreadable: boolean;
    };

/** A proof by a log that nobody named says nothing, good or bad: the trust root may name another one by now. */
const OF_ANOTHER_LOG: ReadonlySet<ProofReason> = new Set<ProofReason>(['origin_other', 'signer_unknown']);

/** @param directory every file of the rule directory, bundle and proof among them */
export async function decide(
  directory: ReadonlyMap<string, Uint8Array>,
  { signers, policy, log, now }: Trusted,
): Promise<Decision> {
  const files = new Map(directory);
  const bundle = files.get(BUNDLE_FILE);
  const proof = files.get(PROOF_FILE);
  files.delete(BUNDLE_FILE);
  files.delete(PROOF_FILE);
  if (bundle === undefined) {
    const message = `there is no ${BUNDLE_FILE}: this rule is not signed`;
    return { kind: 'refused', reason: 'not_signed', message, unreadable: true };
  }
  const rule = await verifyRule(bundle, signers, files);
  if (!rule.ok) return { ...rule, kind: 'refused', unreadable: isUnreadable(rule.reason) };
  const proven =
    proof === undefined || log === null ? null : await verifyProof(proof, rule.bundleSha256, log);
  if (proven?.ok === false && !OF_ANOTHER_LOG.has(proven.reason)) {
    return { ...proven, kind: 'refused', unreadable: isUnreadableProof(proven.reason) };
  }
  const logged = proven?.ok === true ? proven : null;
  const short = violations(policy, rule, { now, logged: logged !== null });
  if (short.length > 0) return { kind: 'short', rule, logged, violations: short };
  return { kind: 'counts', rule, logged };
}
