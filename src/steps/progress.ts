/** Says where a generation is, and stops a step whose generation has ended meanwhile. */
import { Fault } from '../errors.ts';
import type { Progress } from '../store/generations.ts';
import type { Job, StepDeps } from './deps.ts';

/** @throws Fault GENERATION_ENDED when it was cancelled, so that nothing more is run, paid or signed for it */
export async function showProgress(job: Job, progress: Progress, deps: StepDeps): Promise<void> {
  const running = await deps.store.generations.progress(job.generationId, progress, deps.now().toISOString());
  if (!running) throw new Fault('GENERATION_ENDED', `the generation ended before ${progress.step}`);
}

/**
 * Says how often a step was tried before, for those who look for what is failing now. Never in the way of the
 * step: where the store is what fails, the step itself says so.
 */
export async function showRetries(job: Job, retries: number, deps: Pick<StepDeps, 'store'>): Promise<void> {
  await deps.store.generations.showRetries(job.generationId, retries).catch(() => undefined);
}
