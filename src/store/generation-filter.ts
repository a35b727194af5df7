/** What generations are looked for by. Every condition but the text is served by an index. */
import type { GenerationStatus } from '../schema/api.ts';
import { type Query, Where } from './where.ts';

export interface GenerationFilter {
  readonly statuses?: readonly GenerationStatus[] | undefined;
  /** Alive, and an attempt was rejected, or a step is being tried again. */
  readonly failing?: boolean | undefined;
  readonly name?: string | undefined;
  readonly model?: string | undefined;
  readonly batchId?: string | undefined;
  readonly retryOf?: string | undefined;
  /** Ids are time-ordered: these two stand for the times of making. The first is included. */
  readonly fromId?: string | undefined;
  readonly toId?: string | undefined;
  /** Found in the prompt or the name, letter case ignored. */
  readonly text?: string | undefined;
  /** The page starts after this one. */
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

const FAILING = `ended_at IS NULL AND (step_retries > 0 OR EXISTS (
  SELECT 1 FROM attempts WHERE attempts.generation_id = generations.id AND verdict IN ('rejected', 'inconclusive')))`;
const TEXT = "instr(COALESCE(search_text, lower(prompt_excerpt)), ?) > 0 OR instr(COALESCE(name, ''), ?) > 0";

export function generationsQuery(orgId: string, filter: GenerationFilter): Query {
  const where = new Where().and('org_id = ?', orgId).and('deleting_at IS NULL');
  const { statuses, fromId, toId, beforeId } = filter;
  if (statuses !== undefined) where.and(`status IN (${statuses.map(() => '?').join(', ')})`, ...statuses);
  if (filter.failing === true) where.and(FAILING);
  where
    .equals('name', filter.name)
    .equals('model', filter.model)
    .equals('batch_id', filter.batchId)
    .equals('retry_of', filter.retryOf);
  if (fromId !== undefined) where.and('id >= ?', fromId);
  if (toId !== undefined) where.and('id < ?', toId);
  if (beforeId !== undefined) where.and('id < ?', beforeId);
  const text = filter.text?.toLowerCase();
  if (text !== undefined) where.and(TEXT, text, text);
  return {
    sql: `SELECT * FROM generations WHERE ${where.sql} ORDER BY id DESC LIMIT ?`,
    values: [...where.values, filter.limit],
  };
}
