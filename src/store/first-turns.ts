/**
 * Provider batches of first turns: what was reserved, what the provider calls it, how it ended. The row is
 * there before the provider batch is, and the provider's id is written once.
 */
import { changed } from './changed.ts';

export type FirstTurnOutcome = 'collected' | 'refused' | 'abandoned';

export interface FirstTurnBatchRow {
  readonly batch_id: string;
  readonly n: number;
  readonly org_id: string;
  readonly requests: number;
  readonly reserved_at: string;
  readonly provider_id: string | null;
  readonly submitted_at: string | null;
  readonly look_at: string;
  readonly failing_since: string | null;
  readonly cancelled_at: string | null;
  readonly ended_at: string | null;
  readonly took_ms: number | null;
  readonly closed_at: string | null;
  readonly outcome: FirstTurnOutcome | null;
  readonly outcome_reason: string | null;
  readonly answered: number | null;
}

/** Which provider batch: the n-th of one of our batches. */
export interface FirstTurnKey {
  readonly orgId: string;
  readonly batchId: string;
  readonly n: number;
}

const MINE = 'batch_id = ?1 AND n = ?2 AND org_id = ?3';

export class FirstTurnStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /**
   * The row, one reserved call of attempt 1 for each generation in it, and what generations are to expect: all
   * or nothing.
   * @param left generations that ask by themselves
   * @returns whether this call made them
   */
  async reserve(
    key: FirstTurnKey,
    calls: readonly { readonly generationId: string; readonly model: string }[],
    left: readonly string[],
    at: string,
  ): Promise<boolean> {
    const row = this.#db
      .prepare(
        `INSERT INTO first_turn_batches (batch_id, n, org_id, requests, reserved_at, look_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT DO NOTHING`,
      )
      .bind(key.batchId, key.n, key.orgId, calls.length, at);
    const spend = this.#db
      .prepare(
        `INSERT INTO spend (generation_id, attempt, call, org_id, model, reserved_at)
         SELECT value ->> 'generationId', 1, 1, ?2, value ->> 'model', ?3 FROM json_each(?1) WHERE 1
         ON CONFLICT DO NOTHING`,
      )
      .bind(JSON.stringify(calls), key.orgId, at);
    const expect = (ids: readonly string[], n: number) =>
      this.#db
        .prepare(
          `UPDATE generations SET first_turns = ?2
           WHERE id IN (SELECT value FROM json_each(?1)) AND org_id = ?3 AND first_turns IS NULL`,
        )
        .bind(JSON.stringify(ids), n, key.orgId);
    const asked = calls.map((one) => one.generationId);
    const [made] = await this.#db.batch([row, spend, expect(asked, key.n), expect(left, 0)]);
    return (made?.meta.changes ?? 0) > 0;
  }

  async find({ batchId, n, orgId }: FirstTurnKey): Promise<FirstTurnBatchRow | null> {
    return this.#db
      .prepare(`SELECT * FROM first_turn_batches WHERE ${MINE}`)
      .bind(batchId, n, orgId)
      .first<FirstTurnBatchRow>();
  }

  /** Those that something is expected of, the one to look at first before the others. */
  async openOf(orgId: string, batchId: string): Promise<FirstTurnBatchRow[]> {
    const { results } = await this.#db
      .prepare(
        'SELECT * FROM first_turn_batches WHERE batch_id = ?1 AND org_id = ?2 AND closed_at IS NULL ORDER BY look_at, n',
      )
      .bind(batchId, orgId)
      .all<FirstTurnBatchRow>();
    return results;
  }

  /** The number of the next one. */
  async nextOf(orgId: string, batchId: string): Promise<number> {
    const row = await this.#db
      .prepare(
        'SELECT COALESCE(MAX(n), 0) + 1 AS n FROM first_turn_batches WHERE batch_id = ?1 AND org_id = ?2',
      )
      .bind(batchId, orgId)
      .first<{ n: number }>();
    return row?.n ?? 1;
  }

  /** Generations of a batch that are held, and of which it is not decided who asks their first turn. */
  async undecided(orgId: string, batchId: string, limit: number): Promise<string[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT g.id FROM batch_items i JOIN generations g ON g.id = i.generation_id
         WHERE i.batch_id = ?1 AND i.org_id = ?2 AND i.status = 'started' AND g.held = 1 AND g.first_turns IS NULL
           AND g.ended_at IS NULL ORDER BY i.position LIMIT ?3`,
      )
      .bind(batchId, orgId, limit)
      .all<{ id: string }>();
    return results.map(({ id }) => id);
  }

  /** False when there is an id already, or nothing is expected any more. */
  async recordProvider(key: FirstTurnKey, providerId: string, at: string): Promise<boolean> {
    return this.#change(
      `UPDATE first_turn_batches SET provider_id = ?4, submitted_at = ?5
       WHERE ${MINE} AND provider_id IS NULL AND closed_at IS NULL`,
      key,
      [providerId, at],
    );
  }

  async lookAgain(key: FirstTurnKey, lookAt: string): Promise<void> {
    await this.#change(
      `UPDATE first_turn_batches SET look_at = ?4, failing_since = NULL WHERE ${MINE}`,
      key,
      [lookAt],
    );
  }

  async recordFailure(key: FirstTurnKey, at: string): Promise<void> {
    await this.#change(
      `UPDATE first_turn_batches SET failing_since = COALESCE(failing_since, ?4) WHERE ${MINE}`,
      key,
      [at],
    );
  }

  async recordCancel(key: FirstTurnKey, at: string): Promise<void> {
    await this.#change(
      `UPDATE first_turn_batches SET cancelled_at = COALESCE(cancelled_at, ?4) WHERE ${MINE}`,
      key,
      [at],
    );
  }

  async recordEnd(key: FirstTurnKey, tookMs: number, at: string): Promise<void> {
    await this.#change(
      `UPDATE first_turn_batches SET ended_at = ?4, took_ms = ?5, failing_since = NULL WHERE ${MINE} AND ended_at IS NULL`,
      key,
      [at, tookMs],
    );
  }

  /** Write-once. */
  async close(
    key: FirstTurnKey,
    end: { readonly outcome: FirstTurnOutcome; readonly reason: string | null; readonly answered: number },
    at: string,
  ): Promise<void> {
    await this.#change(
      `UPDATE first_turn_batches SET closed_at = ?4, outcome = ?5, outcome_reason = ?6, answered = ?7
       WHERE ${MINE} AND closed_at IS NULL`,
      key,
      [at, end.outcome, end.reason, end.answered],
    );
  }

  /** Those of the ids that are recorded, of whatever organisation: all share the provider's list. */
  async recorded(providerIds: readonly string[]): Promise<Set<string>> {
    const { results } = await this.#db
      .prepare(
        `SELECT provider_id FROM first_turn_batches WHERE provider_id IN (SELECT value FROM json_each(?1))`,
      )
      .bind(JSON.stringify(providerIds))
      .all<{ provider_id: string }>();
    return new Set(results.map((row) => row.provider_id));
  }

  #change(sql: string, { batchId, n, orgId }: FirstTurnKey, values: unknown[]): Promise<boolean> {
    return changed(this.#db, sql, [batchId, n, orgId, ...values]);
  }
}
