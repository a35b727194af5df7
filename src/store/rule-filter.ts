/** What signed rules are looked for by. */
import { type Query, Where } from './where.ts';

export interface RuleFilter {
  readonly name?: string | undefined;
  readonly keyId?: string | undefined;
  readonly model?: string | undefined;
  readonly engineVersion?: string | undefined;
  /** ISO 8601 UTC with milliseconds, as in the rows. The first is included. */
  readonly signedFrom?: string | undefined;
  readonly signedBefore?: string | undefined;
  /** The page starts after this one. */
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

export function rulesQuery(orgId: string, filter: RuleFilter): Query {
  const { signedFrom, signedBefore, beforeId } = filter;
  const where = new Where()
    .and('org_id = ?', orgId)
    .equals('name', filter.name)
    .equals('key_id', filter.keyId)
    .equals('model', filter.model)
    .equals('engine_version', filter.engineVersion);
  if (signedFrom !== undefined) where.and('published_at >= ?', signedFrom);
  if (signedBefore !== undefined) where.and('published_at < ?', signedBefore);
  if (beforeId !== undefined) where.and('id < ?', beforeId);
  return {
    sql: `SELECT * FROM rules WHERE ${where.sql} ORDER BY id DESC LIMIT ?`,
    values: [...where.values, filter.limit],
  };
}
