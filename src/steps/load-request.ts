/** The stored request of a generation, read back and parsed. Shared by the steps that need its cases. */
import { Fault } from '../errors.ts';
import { type RuleRequest, requestSchema } from '../schema/request.ts';
import { keys } from '../store/objects.ts';
import type { Job, StepDeps } from './deps.ts';

/** @throws Fault STORE_MISSING | STORE_CONFLICT when the bytes are not there or not a request */
export async function loadRequest(job: Job, deps: Pick<StepDeps, 'store'>): Promise<RuleRequest> {
  return (await loadRequestText(job, deps)).request;
}

/** The same with the exact text that was stored. */
export async function loadRequestText(
  job: Job,
  deps: Pick<StepDeps, 'store'>,
): Promise<{ readonly request: RuleRequest; readonly text: string }> {
  const key = keys.request(job.orgId, job.generationId);
  const text = await deps.store.objects.get(key);
  if (text === null) throw new Fault('STORE_MISSING', `object ${key} is missing`);
  const parsed = requestSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Fault('STORE_CONFLICT', `object ${key} is not a request`);
  return { request: parsed.data, text };
}
