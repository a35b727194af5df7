/** Makes a signed rule visible and ends its generation, both or neither. A cancel that came first wins. */
import { Fault } from '../errors.ts';
import type { ObjectRef } from '../store/objects.ts';
import type { Job, StepDeps } from './deps.ts';

export interface PublishInput {
  readonly attempt: number;
  readonly attemptsMax: number;
  readonly passed: number;
  readonly bundle: ObjectRef;
  readonly keyId: string;
  readonly ruleName: string;
  readonly summary: string;
  /** These are absent when a sign step from before they were recorded is replayed. */
  readonly model?: string | undefined;
  readonly engineVersion?: string | undefined;
  readonly nodeVersion?: string | undefined;
  readonly checkEnvelope?: string | null | undefined;
}

export interface Published {
  readonly ruleId: string;
}

/** @throws Fault GENERATION_ENDED when it was cancelled before this */
export async function publishRule(job: Job, input: PublishInput, deps: StepDeps): Promise<Published> {
  const at = deps.now().toISOString();
  const ruleId = ruleIdOf(job.generationId);
  const message = `all ${input.passed} cases pass on attempt ${input.attempt} of ${input.attemptsMax}`;
  const published = await deps.store.rules.publish(
    {
      id: ruleId,
      org_id: job.orgId,
      generation_id: job.generationId,
      name: input.ruleName,
      summary: input.summary,
      bundle_sha256: input.bundle.sha256,
      key_id: input.keyId,
      published_at: at,
      model: input.model ?? null,
      engine_version: input.engineVersion ?? null,
      node_version: input.nodeVersion ?? null,
      check_envelope: input.checkEnvelope ?? null,
    },
    { code: 'SIGNED', message },
  );
  await deps.tell(job);
  if (!published) throw new Fault('GENERATION_ENDED', 'the generation ended before its rule was published');
  return { ruleId };
}

/** One generation, one rule: the rule's id is the generation's under another prefix. */
export function ruleIdOf(generationId: string): string {
  return generationId.replace(/^gen-/, 'rule-');
}
