/** Ends a generation without a rule, with a reason a person can act on, and tells. Does nothing when it has ended. */
import type { GenerationStatus } from '../schema/api.ts';
import type { Job, StepDeps } from './deps.ts';

export interface EndInput {
  readonly status: Extract<GenerationStatus, 'failed' | 'rejected' | 'errored' | 'cancelled'>;
  readonly code: string;
  readonly message: string;
}

export async function endGeneration(
  job: Job,
  input: EndInput,
  deps: Pick<StepDeps, 'store' | 'tell' | 'now'>,
): Promise<{ ended: boolean }> {
  const reason = { code: input.code, message: input.message };
  const at = deps.now().toISOString();
  const ended = await deps.store.generations.end(job.generationId, input.status, reason, at);
  await deps.tell(job);
  return { ended };
}
