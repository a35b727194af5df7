/** Plans the chunks of every verification to come. */
import { planChunks } from '../rules/chunks.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequest } from './load-request.ts';

export interface Plan {
  /** Case indexes `from` up to but not including `to`. */
  readonly chunks: readonly { readonly from: number; readonly to: number }[];
}

export async function prepareGeneration(
  job: Job,
  input: { readonly caseTimeoutMs: number },
  deps: StepDeps,
): Promise<Plan> {
  const { cases } = await loadRequest(job, deps);
  let from = 0;
  const chunks = planChunks(cases, input.caseTimeoutMs).map((chunk) => {
    const range = { from, to: from + chunk.length };
    from = range.to;
    return range;
  });
  return { chunks };
}
