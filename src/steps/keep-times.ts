/** Keeps how long the steps of a generation took. Never in the way: a generation does not fail for its metrics. */
import { messageOf } from '../errors.ts';
import { log } from '../logger.ts';
import type { StepTime } from '../store/step-times.ts';
import type { Job, StepDeps } from './deps.ts';

export async function keepTimes(
  job: Job,
  times: readonly StepTime[],
  deps: Pick<StepDeps, 'store'>,
): Promise<void> {
  try {
    await deps.store.stepTimes.keep(job.orgId, job.generationId, times);
  } catch (error) {
    const about = { generation: job.generationId, org: job.orgId };
    log('warn', 'step_times_lost', { ...about, message: messageOf(error) });
  }
}
