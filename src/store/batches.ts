/**
 * The row of a batch: its status machine, and which Workflow instance may act for it. Every change of status names
 * the statuses it may come from; what begins or ends a batch changes its items in the same transaction.
 */

import type { BatchMode, BatchStatus } from '../schema/batch.ts';
import { type ItemSource, selection } from './batch-selection.ts';
import { changed } from './changed.ts';
import { type Claim, claimStatement } from './idempotency.ts';
import { batchWebhook } from './outbox.ts';
import { settleStatement } from './settle-items.ts';
import type { Query } from './where.ts';

export interface BatchRow {
  readonly id: string;
  readonly org_id: string;
  readonly mode: BatchMode;
  readonly status: BatchStatus;
  readonly reason_code: string | null;
  readonly reason_message: string | null;
  readonly name: string | null;
  readonly model: string | null;
  readonly concurrency: number;
  readonly cost_usd_max: number | null;
  readonly not_before: string | null;
  readonly daily_from: number | null;
  readonly daily_to: number | null;
  readonly economy: number;
  readonly items: number;
  readonly instance: number;
  readonly next_look_at: string | null;
  readonly shut_until: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly ended_at: string | null;
  /** Where its end is told. */
  readonly callback_url: string | null;
}

export type NewBatchRow = Pick<
  BatchRow,
  | 'id'
  | 'org_id'
  | 'mode'
  | 'name'
  | 'model'
  | 'concurrency'
  | 'cost_usd_max'
  | 'not_before'
  | 'daily_from'
  | 'daily_to'
  | 'economy'
  | 'created_at'
> &
  Partial<Pick<BatchRow, 'callback_url'>>;

/** What is wrong with a selection; each list is cut. */
export interface Unfit {
  readonly count: number;
  /** Ids that were named and are not there. */
  readonly missing: readonly string[];
  readonly alive: readonly string[];
  readonly withoutRule: readonly string[];
  /** Models of what is repeated. */
  readonly models: readonly string[];
}

/** Which Workflow instance acts for which batch. */
export interface BatchJob {
  readonly batchId: string;
  readonly orgId: string;
  readonly instance: number;
}

/** Of the Workflow instance that does a job. */
export function batchInstanceId({ batchId, instance }: Pick<BatchJob, 'batchId' | 'instance'>): string {
  return `${batchId}-${instance}`;
}

interface Reason {
  readonly code: string;
  readonly message: string;
}

const MOST_NAMED = 20;

export class BatchStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async unfit(orgId: string, source: ItemSource): Promise<Unfit> {
    const { sql, values } = selection(orgId, source);
    const ask = (text: string, more: readonly unknown[] = values) => this.#db.prepare(text).bind(...more);
    const named = source.kind === 'generations' || source.kind === 'rules' ? source.ids : [];
    const [count, missing, alive, withoutRule, models] = await this.#db.batch<{ found: string | number }>([
      ask(`SELECT COUNT(*) AS found FROM (${sql})`),
      ask(
        `SELECT value AS found FROM json_each(?) WHERE key NOT IN (SELECT position FROM (${sql})) LIMIT ${MOST_NAMED}`,
        [JSON.stringify(named), ...values],
      ),
      ask(
        `SELECT g.id AS found FROM (${sql}) s JOIN generations g ON g.id = s.generation_id WHERE g.ended_at IS NULL LIMIT ${MOST_NAMED}`,
      ),
      ask(
        `SELECT generation_id AS found FROM (${sql}) WHERE generation_id IS NOT NULL AND rule_id IS NULL LIMIT ${MOST_NAMED}`,
      ),
      ask(`SELECT DISTINCT g.model AS found FROM (${sql}) s JOIN generations g ON g.id = s.generation_id`),
    ]);
    const texts = (of: typeof count) => (of?.results ?? []).map(({ found }) => String(found));
    return {
      count: Number(count?.results[0]?.found ?? 0),
      missing: texts(missing),
      alive: texts(alive),
      withoutRule: texts(withoutRule),
      models: texts(models),
    };
  }

  /** Row and items, and the idempotency key where there is one: all or nothing. False when somebody was first. */
  async insert(row: NewBatchRow, source: ItemSource, claim: Claim | null): Promise<boolean> {
    const insert = insertStatement(this.#db, row, claim === null ? '' : 'WHERE changes() > 0');
    const items: Query = selection(row.org_id, source);
    const insertItems = this.#db
      .prepare(
        `INSERT INTO batch_items (batch_id, position, org_id, source_generation, source_rule)
         SELECT b.id, s.position, s.org_id, s.generation_id, s.rule_id FROM (${items.sql}) s JOIN batches b ON b.id = ?`,
      )
      .bind(...items.values, row.id);
    const count = this.#db
      .prepare(
        'UPDATE batches SET items = (SELECT COUNT(*) FROM batch_items WHERE batch_id = batches.id) WHERE id = ?1',
      )
      .bind(row.id);
    const first = claim === null ? [] : [claimStatement(this.#db, claim)];
    const results = await this.#db.batch([...first, insert, insertItems, count]);
    return (results[first.length]?.meta.changes ?? 0) > 0;
  }

  async find(orgId: string, id: string): Promise<BatchRow | null> {
    return this.#db
      .prepare('SELECT * FROM batches WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId)
      .first<BatchRow>();
  }

  /** Newest first, after `beforeId`. */
  async list(orgId: string, beforeId: string | undefined, limit: number): Promise<BatchRow[]> {
    const { results } = await this.#db
      .prepare(
        'SELECT * FROM batches WHERE org_id = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3',
      )
      .bind(orgId, beforeId ?? null, limit)
      .all<BatchRow>();
    return results;
  }

  /** Begins nothing more. False when it was not running. */
  async pause(orgId: string, id: string, reason: Reason, at: string): Promise<boolean> {
    return changed(
      this.#db,
      `UPDATE batches SET status = 'paused', reason_code = ?3, reason_message = ?4, next_look_at = NULL, shut_until = NULL,
         updated_at = ?5 WHERE id = ?1 AND org_id = ?2 AND status = 'running'`,
      [id, orgId, reason.code, reason.message, at],
    );
  }

  /** Hands it to a new instance. False when it was not paused. */
  async resume(orgId: string, id: string, costUsdMax: number | undefined, at: string): Promise<boolean> {
    return changed(
      this.#db,
      `UPDATE batches SET status = 'running', reason_code = NULL, reason_message = NULL, cost_usd_max = COALESCE(?3, cost_usd_max),
         instance = instance + 1, next_look_at = ?4, updated_at = ?4 WHERE id = ?1 AND org_id = ?2 AND status = 'paused'`,
      [id, orgId, costUsdMax ?? null, at],
    );
  }

  /**
   * No item is begun any more, and those that wait are over. What is under way is ended one by one after this
   * (`endCancelled`), by whoever comes first. False when it had ended.
   */
  async cancel(orgId: string, id: string, reason: Reason, at: string): Promise<boolean> {
    const update = this.#db
      .prepare(
        `UPDATE batches SET status = 'cancelled', reason_code = ?3, reason_message = ?4, instance = instance + 1,
           next_look_at = ?5, shut_until = NULL, updated_at = ?5, ended_at = ?5
         WHERE id = ?1 AND org_id = ?2 AND status IN ('running', 'paused')`,
      )
      .bind(id, orgId, reason.code, reason.message, at);
    const items = this.#db
      .prepare(
        `UPDATE batch_items SET status = 'cancelled', reason_code = ?2, reason_message = ?3, ended_at = ?4
         WHERE batch_id = ?1 AND (status = 'waiting' OR (status = 'started'
             AND NOT EXISTS (SELECT 1 FROM generations g WHERE g.id = batch_items.generation_id)))
           AND EXISTS (SELECT 1 FROM batches WHERE id = ?1 AND status = 'cancelled')`,
      )
      .bind(id, reason.code, reason.message, at);
    const [updated] = await this.#db.batch([update, items, batchWebhook(this.#db, id)]);
    return (updated?.meta.changes ?? 0) > 0;
  }

  /** Failed items wait again, in a new round, and the batch runs. Returns how many; none changes nothing. */
  async retryFailed(orgId: string, id: string, at: string): Promise<number> {
    const again = this.#db
      .prepare(
        `UPDATE batch_items SET status = 'waiting', round = round + 1, last_generation_id = generation_id, generation_id = NULL,
           reason_code = NULL, reason_message = NULL, started_at = NULL, ended_at = NULL
         WHERE batch_id = ?1 AND org_id = ?2 AND status IN ('failed', 'rejected', 'errored')
           AND EXISTS (SELECT 1 FROM batches WHERE id = ?1 AND org_id = ?2 AND status <> 'cancelled')`,
      )
      .bind(id, orgId);
    // One that is paused stays so: whoever paused it decides when it goes on.
    const run = this.#db
      .prepare(
        `UPDATE batches SET status = 'running', reason_code = NULL, reason_message = NULL, ended_at = NULL,
           instance = instance + 1, next_look_at = ?3, updated_at = ?3
         WHERE id = ?1 AND org_id = ?2 AND status = 'done' AND changes() > 0`,
      )
      .bind(id, orgId, at);
    const [, changed] = await this.#db.batch([settleStatement(this.#db, id), again, run]);
    return changed?.meta.changes ?? 0;
  }

  /** Ends a batch without an item left to begin or to wait for. False when there is one, or it is not ours. */
  async finish({ batchId, instance }: BatchJob, reason: Reason, at: string): Promise<boolean> {
    const update = this.#db
      .prepare(
        `UPDATE batches SET status = 'done', reason_code = ?3, reason_message = ?4, next_look_at = NULL, shut_until = NULL,
         updated_at = ?5, ended_at = ?5
       WHERE id = ?1 AND instance = ?2 AND status = 'running'
         AND NOT EXISTS (SELECT 1 FROM batch_items WHERE batch_id = ?1 AND status IN ('waiting', 'started'))`,
      )
      .bind(batchId, instance, reason.code, reason.message, at);
    const [updated] = await this.#db.batch([update, batchWebhook(this.#db, batchId)]);
    return (updated?.meta.changes ?? 0) > 0;
  }

  /** Says when its instance looks next; `null`: there is nothing to look for. False when it is not ours. */
  async looked(
    { batchId, instance }: BatchJob,
    next: { readonly lookAt: string | null; readonly shutUntil: string | null },
    at: string,
  ): Promise<boolean> {
    return changed(
      this.#db,
      `UPDATE batches SET next_look_at = ?3, shut_until = ?4, updated_at = ?5
       WHERE id = ?1 AND instance = ?2 AND status IN ('running', 'cancelled')`,
      [batchId, instance, next.lookAt, next.shutUntil, at],
    );
  }

  /** Hands a batch on to the next instance. False when it is not this one's any more. */
  async handOn({ batchId, instance }: BatchJob, at: string): Promise<boolean> {
    return changed(
      this.#db,
      `UPDATE batches SET instance = ?2 + 1, next_look_at = ?3
       WHERE id = ?1 AND instance = ?2 AND next_look_at IS NOT NULL`,
      [batchId, instance, at],
    );
  }

  /** Batches whose instance should have looked before this, oldest first. */
  async due(before: string, limit: number): Promise<BatchRow[]> {
    const { results } = await this.#db
      .prepare(
        'SELECT * FROM batches WHERE next_look_at IS NOT NULL AND next_look_at < ?1 ORDER BY next_look_at LIMIT ?2',
      )
      .bind(before, limit)
      .all<BatchRow>();
    return results;
  }
}

function insertStatement(db: D1Database, row: NewBatchRow, when: string): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO batches (id, org_id, mode, status, name, model, concurrency, cost_usd_max, not_before, daily_from, daily_to,
         economy, items, next_look_at, created_at, updated_at, callback_url)
       SELECT ?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?12, ?12, ?13 ${when}`,
    )
    .bind(
      row.id,
      row.org_id,
      row.mode,
      row.name,
      row.model,
      row.concurrency,
      row.cost_usd_max,
      row.not_before,
      row.daily_from,
      row.daily_to,
      row.economy,
      row.created_at,
      row.callback_url ?? null,
    );
}
