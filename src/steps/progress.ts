/** Says where a generation is, and stops a step whose generation has ended meanwhile. */
import { Fault } from '../errors.ts';
import type { Change } from '../store/changed.ts';
import type { Progress } from '../store/generations.ts';
import type { Job, StepDeps } from './deps.ts';

/**
 * @param also what is noted in the same transaction; each for a live generation only
 * @throws Fault GENERATION_ENDED when it was cancelled, so that nothing more is run, paid or signed for it
 */
export async function showProgress(
  job: Job,
  progress: Progress,
  { store, now }: Pick<StepDeps, 'store' | 'now'>,
  ...also: readonly Change[]
): Promise<void> {
  const shown = store.generations.progressing(job.generationId, progress, now().toISOString());
  const [running] = await store.change(shown, ...also);
  if (running !== true) throw new Fault('GENERATION_ENDED', `the generation ended before ${progress.step}`);
}

/**
 * Says how often a step was tried before, for those who look for what is failing now. Never in the way of the
 * step: where the store is what fails, the step itself says so.
 */
export async function showRetries(job: Job, retries: number, deps: Pick<StepDeps, 'store'>): Promise<void> {
  await deps.store.generations.showRetries(job.generationId, retries).catch(() => undefined);
}
