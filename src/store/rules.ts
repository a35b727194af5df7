/** Published rules. Publishing, ending the generation and its webhook are one atomic change: all happen or none. */
import type { Engine } from '../schema/request.ts';
import { logEnd } from './generations.ts';
import { generationWebhook } from './outbox.ts';
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
  /** Taskless content hash of `check.ts`; `null` in `sg` rules, and in older rows until somebody asks. */
  readonly check_envelope: string | null;
}

/** What reconciling needs of a rule. */
export type DeliveredRow = Pick<
  RuleRow,
  'id' | 'generation_id' | 'name' | 'bundle_sha256' | 'key_id' | 'published_at' | 'check_envelope'
> & {
  /** The UUID that the Taskless client knows it by, where it does. */
  readonly request_id: string | null;
};

export class RuleStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** False when the generation was no longer running, in which case nothing is published. The engine is the generation's. */
  async publish(row: Omit<RuleRow, 'engine'>, reason: { code: string; message: string }): Promise<boolean> {
    const insert = this.#db
      .prepare(
        `INSERT INTO rules (id, org_id, generation_id, name, summary, bundle_sha256, key_id, published_at, model, engine_version, node_version,
           check_envelope, engine)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, engine FROM generations WHERE id = ?3 AND status = 'running'
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
        row.check_envelope,
      );
    const end = this.#db
      .prepare(
        `UPDATE generations SET status = 'signed', step = 'publish', rule_id = ?2, name = ?3, reason_code = ?4, reason_message = ?5,
           updated_at = ?6, ended_at = ?6
         WHERE id = ?1 AND status = 'running'`,
      )
      .bind(row.generation_id, row.id, row.name, reason.code, reason.message, row.published_at);
    const data = { status: 'signed', ...reason, ruleId: row.id };
    const there = this.#db.prepare('SELECT 1 FROM rules WHERE id = ?1').bind(row.id);
    const results = await this.#db.batch([
      insert,
      end,
      logEnd(this.#db, row.generation_id, data, row.published_at),
      generationWebhook(this.#db, row.generation_id),
      there,
    ]);
    return (results.at(-1)?.results.length ?? 0) > 0;
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

  /**
   * Rules with a check that a repository may hold, newest first: those asked for with it, and those that were asked
   * for with none.
   */
  async delivered(orgId: string, repository: string): Promise<DeliveredRow[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT rules.id, rules.generation_id, rules.name, bundle_sha256, key_id, published_at, check_envelope, asked.id AS request_id
         FROM rules LEFT JOIN taskless_requests asked ON asked.generation_id = rules.generation_id
         WHERE rules.org_id = ?1 AND rules.engine = 'runtime' AND (asked.repository IS NULL OR asked.repository = ?2)
         ORDER BY rules.id DESC`,
      )
      .bind(orgId, repository)
      .all<DeliveredRow>();
    return results;
  }

  async noteEnvelope(orgId: string, id: string, envelope: string): Promise<void> {
    await this.#db
      .prepare('UPDATE rules SET check_envelope = ?3 WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId, envelope)
      .run();
  }
}
