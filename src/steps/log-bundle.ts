/**
 * Puts a signed bundle into the log and keeps the proof beside it, before the rule is published. Nothing but
 * the bundle's digest leaves. Without a log there is nothing to do, and the rule has no proof.
 */
import { Fault } from '../errors.ts';
import { keys, type ObjectRef } from '../store/objects.ts';
import { verifyProof } from '../tlog/proof.ts';
import type { BundleLog, Job, StepDeps } from './deps.ts';
import { showProgress } from './progress.ts';

export interface LogInput {
  readonly attempt: number;
  readonly bundle: ObjectRef;
}

export interface Logged {
  /** `null` where no log is kept. */
  readonly proof: ObjectRef | null;
}

/**
 * The first stored proof stays; the log gives a bundle one index for ever.
 * @throws Fault GENERATION_ENDED when it was cancelled, LOG_UNAVAILABLE | LOG_INCONSISTENT
 */
export async function logBundle(job: Job, input: LogInput, deps: StepDeps): Promise<Logged> {
  await showProgress(job, { step: 'log', attempt: input.attempt }, deps);
  if (deps.log === null) return { proof: null };
  const { objects } = deps.store;
  const key = keys.proof(job.orgId, job.generationId);
  const stored = await objects.find(key);
  if (stored !== null) return { proof: stored.ref };
  const proof = await deps.log.append(input.bundle.sha256);
  await selfCheck(proof, input.bundle.sha256, deps.log);
  const { ref } = await objects.putOnce(key, proof);
  return { proof: ref };
}

/** What is published with the rule must be what anyone else would accept. */
async function selfCheck(proof: string, bundleSha256: string, log: BundleLog): Promise<void> {
  const answer = await verifyProof(new TextEncoder().encode(proof), bundleSha256, log.key);
  if (!answer.ok) throw new Fault('LOG_INCONSISTENT', `${answer.reason}: ${answer.message}`);
}
