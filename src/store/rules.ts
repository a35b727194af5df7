/** Published rules. Publishing and ending the generation are one atomic change: both happen or neither. */
import type { Engine } from '../schema/request.ts';
import { logEnd } from './generations.ts';
import { type RuleFilter, rulesQuery } from './rule-filter.ts';

export interface RuleRow {
  readonly id: string;
  readonly org_id: string;
  readonly generation_id: string;
  readonly name: string;
  readonly summary: string;
  readonly bundle_sha256: string;
  readonly key_id: string;
  readonly published_at: string;
  readonly engine: Engine;
  /** `null` in rows older than the column. */
  readonly model: string | null;
  readonly engine_version: string | null;
  readonly node_version: string | null;
}

export class RuleStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** False when the generation was no longer running, in which case nothing is published. The engine is the generation's. */
  async publish(row: Omit<RuleRow, 'engine'>, reason: { code: string; message: string }): Promise<boolean> {
    const insert = this.#db
      .prepare(
        `INSERT INTO rules (id, org_id, generation_id, name, summary, bundle_sha256, key_id, published_at, model, engine_version, engine, node_version)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, engine, ?11 FROM generations WHERE id = ?3 AND status = 'running'
         ON CONFLICT DO NOTHING`,
      )
      .bind(
        row.id,
        row.org_id,
        row.generation_id,
        row.name,
        row.summary,
        row.bundle_sha256,
        row.key_id,
        row.published_at,
        row.model,
        row.engine_version,
        row.node_version,
      );
    const end = this.#db
      .prepare(
        `UPDATE generations SET status = 'signed', step = 'publish', rule_id = ?2, name = ?3, reason_code = ?4, reason_message = ?5,
           updated_at = ?6, ended_at = ?6
         WHERE id = ?1 AND status = 'running'`,
      )
      .bind(row.generation_id, row.id, row.name, reason.code, reason.message, row.published_at);
    const data = { status: 'signed', ...reason, ruleId: row.id };
    await this.#db.batch([insert, end, logEnd(this.#db, row.generation_id, data, row.published_at)]);
    return (await this.find(row.org_id, row.id)) !== null;
  }

  async find(orgId: string, id: string): Promise<RuleRow | null> {
    return this.#db
      .prepare('SELECT * FROM rules WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId)
      .first<RuleRow>();
  }

  async list(orgId: string, filter: RuleFilter): Promise<RuleRow[]> {
    const { sql, values } = rulesQuery(orgId, filter);
    const { results } = await this.#db
      .prepare(sql)
      .bind(...values)
      .all<RuleRow>();
    return results;
  }
}
