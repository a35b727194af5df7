/** Rows that a test puts into D1 itself, where no Workflow instance is wanted. */
import type { NewGeneration } from '../../src/store/generations.ts';

/** Of organisation `first`, made now. */
export function generationRow<T extends Partial<NewGeneration>>(id: string, over: T = {} as T) {
  return {
    id,
    org_id: 'first',
    name: null,
    prompt_excerpt: '',
    request_sha256: '',
    model: 'test-model',
    cases_total: 2,
    attempts_max: 5,
    created_at: new Date().toISOString(),
    ...over,
  };
}
