/**
 * What the items of a batch are, as one query that gives position, organisation, generation and rule of each. It is
 * asked what it would give before it is written, so that a batch is refused as a whole.
 */
import { type BatchFilter, MAX_ITEMS } from '../schema/batch.ts';
import { type Query, Where } from './where.ts';

export type ItemSource =
  | { readonly kind: 'generations' | 'rules'; readonly ids: readonly string[] }
  | { readonly kind: 'filter'; readonly filter: BatchFilter }
  /** Requests of their own, which repeat nothing. */
  | { readonly kind: 'requests'; readonly count: number };

/**
 * Columns: position, org_id, generation_id, rule_id. `CROSS JOIN` keeps the order of the tables: each id is looked up.
 * The other way round the list is searched for each row, which for 10 000 takes half a minute.
 */
export function selection(orgId: string, source: ItemSource): Query {
  switch (source.kind) {
    case 'generations':
      return {
        sql: `SELECT ids.key AS position, g.org_id, g.id AS generation_id, g.rule_id
              FROM json_each(?) ids CROSS JOIN generations g ON g.id = ids.value AND g.org_id = ? AND g.deleting_at IS NULL`,
        values: [JSON.stringify(source.ids), orgId],
      };
    case 'rules':
      return {
        sql: `SELECT ids.key AS position, r.org_id, r.generation_id, r.id AS rule_id
              FROM json_each(?) ids CROSS JOIN rules r ON r.id = ids.value AND r.org_id = ?`,
        values: [JSON.stringify(source.ids), orgId],
      };
    case 'filter':
      return filtered(orgId, source.filter);
    case 'requests':
      return {
        sql: `SELECT n - 1 AS position, ? AS org_id, NULL AS generation_id, NULL AS rule_id FROM (
                WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)
                SELECT n FROM counted)`,
        values: [orgId, source.count],
      };
  }
}

/** A rule that a newer one was signed from has had its turn: the newer one stands for it. */
const NOT_SUPERSEDED = `NOT EXISTS (SELECT 1 FROM generations n WHERE n.reverifies = rules.id AND n.status = 'signed')
  AND NOT EXISTS (SELECT 1 FROM generations n WHERE n.retry_of = rules.generation_id AND n.status = 'signed')`;

function filtered(orgId: string, filter: BatchFilter): Query {
  const where = new Where()
    .and('org_id = ?', orgId)
    .equals('name', filter.name)
    .equals('key_id', filter.keyId)
    .equals('model', filter.model)
    .equals('engine_version', filter.astGrep)
    .equals('node_version', filter.node);
  if (filter.signedBefore !== undefined) {
    where.and('published_at < ?', new Date(filter.signedBefore).toISOString());
  }
  where.and(NOT_SUPERSEDED);
  return {
    sql: `SELECT ROW_NUMBER() OVER (ORDER BY id) - 1 AS position, org_id, generation_id, id AS rule_id
          FROM rules WHERE ${where.sql} ORDER BY id LIMIT ${MAX_ITEMS + 1}`,
    values: where.values,
  };
}
