/**
 * The outbox: what is to be told to whom, and every attempt. Rows come from `outbox.ts`, in the transaction that
 * ends their subject. An instance works on one round; what it says of an earlier round changes nothing.
 */

import type { DeliveryProblem, DeliveryStatus, SubjectKind } from '../schema/webhooks.ts';
import { changed } from './changed.ts';
import { Where } from './where.ts';

export interface DeliveryRow {
  readonly id: string;
  readonly org_id: string;
  readonly subject_kind: SubjectKind;
  readonly subject_id: string;
  readonly event: string;
  readonly url: string;
  readonly body: string;
  readonly status: DeliveryStatus;
  readonly round: number;
  readonly tries: number;
  readonly created_at: string;
  readonly next_at: string;
  readonly ended_at: string | null;
}

export interface DeliveryAttemptRow {
  readonly round: number;
  readonly n: number;
  readonly started_at: string;
  readonly duration_ms: number | null;
  readonly status: number | null;
  readonly problem: DeliveryProblem | null;
}

export interface DeliveryFilter {
  readonly generationId?: string | undefined;
  readonly batchId?: string | undefined;
  readonly statuses?: readonly DeliveryStatus[] | undefined;
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

/** One attempt of one round. */
export interface Turn {
  readonly deliveryId: string;
  readonly orgId: string;
  readonly round: number;
  readonly n: number;
}

export class DeliveryStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async find(orgId: string, id: string): Promise<DeliveryRow | null> {
    return this.#db
      .prepare('SELECT * FROM deliveries WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId)
      .first<DeliveryRow>();
  }

  async list(orgId: string, filter: DeliveryFilter): Promise<DeliveryRow[]> {
    const { statuses, generationId, batchId, beforeId } = filter;
    const where = new Where().and('org_id = ?', orgId);
    if (generationId !== undefined) where.and("subject_kind = 'generation' AND subject_id = ?", generationId);
    if (batchId !== undefined) where.and("subject_kind = 'batch' AND subject_id = ?", batchId);
    if (statuses !== undefined) where.and(`status IN (${statuses.map(() => '?').join(', ')})`, ...statuses);
    if (beforeId !== undefined) where.and('id < ?', beforeId);
    const { results } = await this.#db
      .prepare(`SELECT * FROM deliveries WHERE ${where.sql} ORDER BY id DESC LIMIT ?`)
      .bind(...where.values, filter.limit)
      .all<DeliveryRow>();
    return results;
  }

  /** Oldest first. */
  async attemptsOf(orgId: string, id: string): Promise<DeliveryAttemptRow[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT round, n, started_at, duration_ms, status, problem FROM delivery_attempts
         WHERE delivery_id = ?1 AND org_id = ?2 ORDER BY round, n`,
      )
      .bind(id, orgId)
      .all<DeliveryAttemptRow>();
    return results;
  }

  /** Notes that an attempt begins. False when the delivery has ended, or is in another round. */
  async begin({ deliveryId, orgId, round, n }: Turn, at: string): Promise<boolean> {
    const due = this.#db
      .prepare("UPDATE deliveries SET next_at = ?3 WHERE id = ?1 AND round = ?2 AND status = 'pending'")
      .bind(deliveryId, round, at);
    const attempt = this.#db
      .prepare(
        `INSERT INTO delivery_attempts (delivery_id, org_id, round, n, started_at) SELECT ?1, ?2, ?3, ?4, ?5
         WHERE changes() > 0 ON CONFLICT DO NOTHING`,
      )
      .bind(deliveryId, orgId, round, n, at);
    const [updated] = await this.#db.batch([due, attempt]);
    return (updated?.meta.changes ?? 0) > 0;
  }

  /**
   * Notes what came of an attempt, and what follows.
   * @param nextAt when it is tried again; `null` when the delivery ends with `status`
   */
  async settle(
    { deliveryId, round, n }: Turn,
    tried: { status: number | null; problem: DeliveryProblem | null; durationMs: number },
    next: { status: DeliveryStatus; nextAt: string | null },
    at: string,
  ): Promise<void> {
    const attempt = this.#db
      .prepare(
        `UPDATE delivery_attempts SET status = ?4, problem = ?5, duration_ms = ?6
         WHERE delivery_id = ?1 AND round = ?2 AND n = ?3`,
      )
      .bind(deliveryId, round, n, tried.status, tried.problem, tried.durationMs);
    const delivery = this.#db
      .prepare(
        `UPDATE deliveries SET status = ?4, tries = ?3, next_at = COALESCE(?5, next_at),
           ended_at = CASE WHEN ?5 IS NULL THEN ?6 END
         WHERE id = ?1 AND round = ?2 AND status = 'pending'`,
      )
      .bind(deliveryId, round, n, next.status, next.nextAt, at);
    await this.#db.batch([attempt, delivery]);
  }

  /**
   * Begins the next round. False when another call did.
   * @param statuses those it may be in
   */
  async restart(
    orgId: string,
    id: string,
    round: number,
    statuses: readonly DeliveryStatus[],
    at: string,
  ): Promise<boolean> {
    return changed(
      this.#db,
      `UPDATE deliveries SET round = round + 1, tries = 0, status = 'pending', next_at = ?4, ended_at = NULL
       WHERE id = ?1 AND org_id = ?2 AND round = ?3 AND status IN (SELECT value FROM json_each(?5))`,
      [id, orgId, round, at, JSON.stringify(statuses)],
    );
  }

  /** Gives a round up, when nobody works on it any more. */
  async giveUp(orgId: string, id: string, round: number, at: string): Promise<void> {
    await this.#db
      .prepare(
        `UPDATE deliveries SET status = 'failed', ended_at = ?4
         WHERE id = ?1 AND org_id = ?2 AND round = ?3 AND status = 'pending'`,
      )
      .bind(id, orgId, round, at)
      .run();
  }

  /** Those that were due, or began an attempt, before `before`; most overdue first. Of all organisations. */
  async overdue(before: string, limit: number): Promise<Pick<DeliveryRow, 'id' | 'org_id' | 'round'>[]> {
    const { results } = await this.#db
      .prepare(
        "SELECT id, org_id, round FROM deliveries WHERE status = 'pending' AND next_at < ?1 ORDER BY next_at LIMIT ?2",
      )
      .bind(before, limit)
      .all<Pick<DeliveryRow, 'id' | 'org_id' | 'round'>>();
    return results;
  }
}
