/**
 * Builds the first turn of the conversation once, so that every attempt of a generation asks the same
 * question in the same words, whatever is deployed meanwhile.
 */
import { requestTurn } from '../models/prompt.ts';
import { keys } from '../store/objects.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequest } from './load-request.ts';

export interface Prepared {
  readonly cases: number;
}

export async function prepareGeneration(job: Job, deps: Pick<StepDeps, 'store'>): Promise<Prepared> {
  const request = await loadRequest(job, deps);
  await deps.store.objects.putOnce(keys.firstTurn(job.orgId, job.generationId), requestTurn(request));
  return { cases: request.cases.length };
}
