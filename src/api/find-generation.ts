/** The row of a generation, as every route about one generation needs it first. */
import { Fault } from '../errors.ts';
import type { GenerationRow } from '../store/generations.ts';
import type { Store } from '../store/store.ts';

/** @throws Fault NOT_FOUND, also when it belongs to another organisation */
export async function findGeneration(store: Store, orgId: string, id: string): Promise<GenerationRow> {
  const row = await store.generations.find(orgId, id);
  if (row === null)
    throw new Fault('NOT_FOUND', `there is no generation ${JSON.stringify(id.slice(0, 100))}`);
  return row;
}
