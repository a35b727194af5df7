/** A generation as every route about one needs it: its row first, or all there is to show of it. */
import { Fault } from '../errors.ts';
import type { GenerationDetail } from '../schema/api.ts';
import type { GenerationRow } from '../store/generations.ts';
import type { Store } from '../store/store.ts';
import { toDetail } from './views.ts';

/** @throws Fault NOT_FOUND, also when it belongs to another organisation; GENERATION_DELETED */
export async function findGeneration(store: Store, orgId: string, id: string): Promise<GenerationRow> {
  return shown(await store.generations.find(orgId, id), id);
}

function shown(row: GenerationRow | null, id: string): GenerationRow {
  if (row === null)
    throw new Fault('NOT_FOUND', `there is no generation ${JSON.stringify(id.slice(0, 100))}`);
  if (row.deleting_at !== null) {
    throw new Fault('GENERATION_DELETED', `generation ${row.id} was deleted at ${row.deleting_at}`);
  }
  return row;
}

/** @throws Fault NOT_FOUND | GENERATION_DELETED */
export async function generationDetailOf(store: Store, orgId: string, id: string): Promise<GenerationDetail> {
  const [found, attempts, cases, spend, line] = await store.ask(
    store.generations.finding(orgId, id),
    store.attempts.listOf(orgId, id),
    store.attempts.casesOf(orgId, id),
    store.spend.totals(orgId, id),
    store.generations.lineOf(orgId, id),
  );
  const row = shown(found, id);
  const retriedBy = line.filter((one) => one.retry_of === id).map((one) => one.id);
  return toDetail(row, attempts, cases, spend, retriedBy);
}
