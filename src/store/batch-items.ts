/** Items of a batch. An item's generation id is claimed in its row before anything is made under it. */
import type { ItemStatus } from '../schema/batch.ts';
import type { BatchJob } from './batches.ts';
import { settleStatement } from './settle-items.ts';
import { Where } from './where.ts';

export interface ItemRow {
  readonly batch_id: string;
  readonly position: number;
  readonly org_id: string;
  readonly source_generation: string | null;
  readonly source_rule: string | null;
  readonly status: ItemStatus;
  readonly round: number;
  readonly generation_id: string | null;
  readonly last_generation_id: string | null;
  readonly reason_code: string | null;
  readonly reason_message: string | null;
  readonly cost_usd: number;
  readonly unpriced_calls: number;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

export interface Tally {
  readonly byStatus: Readonly<Record<ItemStatus, number>>;
  /** Of the started: claimed, and without a row of its generation. */
  readonly unmade: number;
  /** Of the started: with a row whose instance is not wanted yet. */
  readonly held: number;
  /** Of the held, which matters in economy mode alone: nobody was asked for their first turn yet. */
  readonly undecided: number;
  /** Of the held: the provider was asked, and has not answered. */
  readonly asked: number;
  /** Settled calls of ended and started items. */
  readonly costUsd: number;
  /** Settled calls without a known price. */
  readonly unpricedCalls: number;
  /** What the dearest ended item cost; 0 when none has ended. */
  readonly dearestUsd: number;
}

/** The latest ends, from which an end of all is reckoned. */
export interface Pace {
  readonly ends: number;
  readonly first: string | null;
  readonly last: string | null;
}

export interface ItemFilter {
  readonly statuses?: readonly ItemStatus[] | undefined;
  /** The page starts after this one. */
  readonly afterPosition?: number | undefined;
  readonly limit: number;
}

const PACE_OF = 100;

export class BatchItemStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Settles what has ended, then counts. */
  async settle(batchId: string): Promise<Tally & { readonly settled: number }> {
    const [settled, ...counts] = await this.#db.batch([
      settleStatement(this.#db, batchId),
      ...this.#tallyStatements(batchId),
    ]);
    return { ...toTally(counts), settled: settled?.meta.changes ?? 0 };
  }

  #tallyStatements(batchId: string): D1PreparedStatement[] {
    const ended = this.#db
      .prepare(
        `SELECT status, COUNT(*) AS n, SUM(cost_usd) AS cost_usd, SUM(unpriced_calls) AS unpriced, MAX(cost_usd) AS dearest
         FROM batch_items WHERE batch_id = ?1 GROUP BY status`,
      )
      .bind(batchId);
    const started = this.#db
      .prepare(
        `SELECT COALESCE(CASE WHEN g.ended_at IS NULL THEN NULL ELSE g.status END, 'started') AS status, COUNT(*) AS n,
           SUM(g.id IS NULL) AS unmade, SUM(g.held = 1 AND g.status = 'queued') AS held,
           SUM(g.held = 1 AND g.status = 'queued' AND g.first_turns IS NULL) AS undecided,
           SUM(g.held = 1 AND g.status = 'queued' AND f.closed_at IS NULL AND f.n IS NOT NULL) AS asked,
           SUM((SELECT SUM(cost_usd) FROM spend WHERE generation_id = g.id)) AS cost_usd,
           SUM((SELECT COUNT(*) FROM spend WHERE generation_id = g.id AND settled_at IS NOT NULL AND cost_usd IS NULL)) AS unpriced
         FROM batch_items i LEFT JOIN generations g ON g.id = i.generation_id
           LEFT JOIN first_turn_batches f ON f.batch_id = i.batch_id AND f.n = g.first_turns
         WHERE i.batch_id = ?1 AND i.status = 'started' GROUP BY 1`,
      )
      .bind(batchId);
    return [ended, started];
  }

  /** Takes the next waiting items, one for each id, while the batch is this instance's. Returns how many. */
  async claim(
    { batchId, instance }: BatchJob,
    generationIds: readonly string[],
    at: string,
  ): Promise<number> {
    const { meta } = await this.#db
      .prepare(
        `UPDATE batch_items SET status = 'started', generation_id = next.generation_id, started_at = ?4
         FROM (SELECT w.position, ids.value AS generation_id
               FROM (SELECT position, ROW_NUMBER() OVER (ORDER BY position) - 1 AS n FROM
                       (SELECT position FROM batch_items WHERE batch_id = ?1 AND status = 'waiting' ORDER BY position LIMIT ?5)) w
               JOIN json_each(?3) ids ON ids.key = w.n) next
         WHERE batch_items.batch_id = ?1 AND batch_items.position = next.position AND batch_items.status = 'waiting'
           AND EXISTS (SELECT 1 FROM batches WHERE id = ?1 AND instance = ?2 AND status = 'running')`,
      )
      .bind(batchId, instance, JSON.stringify(generationIds), at, generationIds.length)
      .run();
    return meta.changes;
  }

  /** Items begun whose end was not taken over yet. */
  async started(batchId: string): Promise<number> {
    const row = await this.#db
      .prepare("SELECT COUNT(*) AS n FROM batch_items WHERE batch_id = ?1 AND status = 'started'")
      .bind(batchId)
      .first<{ n: number }>();
    return row?.n ?? 0;
  }

  /** Generations of the batch that were let go and have not ended. */
  async running(batchId: string): Promise<number> {
    const row = await this.#db
      .prepare(
        `SELECT COUNT(*) AS n FROM batch_items i JOIN generations g ON g.id = i.generation_id
         WHERE i.batch_id = ?1 AND i.status = 'started' AND g.held = 0 AND g.ended_at IS NULL`,
      )
      .bind(batchId)
      .first<{ n: number }>();
    return row?.n ?? 0;
  }

  /** Claimed items without a row of their generation. */
  async unmade(batchId: string, limit: number): Promise<ItemRow[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT i.* FROM batch_items i LEFT JOIN generations g ON g.id = i.generation_id
         WHERE i.batch_id = ?1 AND i.status = 'started' AND g.id IS NULL ORDER BY i.position LIMIT ?2`,
      )
      .bind(batchId, limit)
      .all<ItemRow>();
    return results;
  }

  /** Generations of the batch that were made and not let go; in economy mode those whose first turn is settled. */
  async held(batchId: string, limit: number): Promise<string[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT g.id FROM batch_items i JOIN generations g ON g.id = i.generation_id
           JOIN batches b ON b.id = i.batch_id LEFT JOIN first_turn_batches f ON f.batch_id = b.id AND f.n = g.first_turns
         WHERE i.batch_id = ?1 AND i.status = 'started' AND g.held = 1 AND g.ended_at IS NULL
           AND (b.economy = 0 OR g.first_turns = 0 OR f.closed_at IS NOT NULL) ORDER BY i.position LIMIT ?2`,
      )
      .bind(batchId, limit)
      .all<{ id: string }>();
    return results.map(({ id }) => id);
  }

  /** Generations of the batch that have not ended. */
  async alive(batchId: string, limit: number): Promise<string[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT g.id FROM batch_items i JOIN generations g ON g.id = i.generation_id
         WHERE i.batch_id = ?1 AND i.status = 'started' AND g.ended_at IS NULL ORDER BY i.position LIMIT ?2`,
      )
      .bind(batchId, limit)
      .all<{ id: string }>();
    return results.map(({ id }) => id);
  }

  /** Ends an item for which no generation could be made. Does nothing once there is one. */
  async fail(item: ItemRow, reason: { code: string; message: string }, at: string): Promise<void> {
    await this.#db
      .prepare(
        `UPDATE batch_items SET status = 'failed', reason_code = ?3, reason_message = ?4, ended_at = ?5
         WHERE batch_id = ?1 AND position = ?2 AND generation_id = ?6 AND status = 'started'
           AND NOT EXISTS (SELECT 1 FROM generations WHERE id = ?6)`,
      )
      .bind(item.batch_id, item.position, reason.code, reason.message, at, item.generation_id)
      .run();
  }

  /** Counts as they are, and how fast items ended lately. What has ended and was not settled counts as ended. */
  async progress(batchId: string): Promise<{ readonly tally: Tally; readonly pace: Pace }> {
    const pace = this.#db
      .prepare(
        `SELECT COUNT(*) AS ends, MIN(ended_at) AS first, MAX(ended_at) AS last FROM (
           SELECT ended_at FROM batch_items WHERE batch_id = ?1 AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT ${PACE_OF})`,
      )
      .bind(batchId);
    const [lately, ...counts] = await this.#db.batch([pace, ...this.#tallyStatements(batchId)]);
    const [row] = (lately?.results ?? []) as Pace[];
    return { tally: toTally(counts), pace: row ?? { ends: 0, first: null, last: null } };
  }

  /** In order of position. A started item whose generation has ended shows that end. */
  async list(orgId: string, batchId: string, filter: ItemFilter): Promise<ItemRow[]> {
    const where = new Where().and('batch_id = ?', batchId).and('org_id = ?', orgId);
    const { statuses, afterPosition } = filter;
    if (statuses !== undefined) where.and(`status IN (${statuses.map(() => '?').join(', ')})`, ...statuses);
    if (afterPosition !== undefined) where.and('position > ?', afterPosition);
    const { results } = await this.#db
      .prepare(`SELECT * FROM batch_items WHERE ${where.sql} ORDER BY position LIMIT ?`)
      .bind(...where.values, filter.limit)
      .all<ItemRow>();
    return results;
  }
}

interface CountRow {
  readonly status: ItemStatus;
  readonly n: number;
  readonly cost_usd: number | null;
  readonly unpriced: number | null;
  readonly dearest?: number | null;
  readonly unmade?: number | null;
  readonly held?: number | null;
  readonly undecided?: number | null;
  readonly asked?: number | null;
}

function toTally([of, ofStarted]: D1Result[]): Tally {
  const rows = (of?.results ?? []) as CountRow[];
  const started = (ofStarted?.results ?? []) as CountRow[];
  const counted = [...rows.filter(({ status }) => status !== 'started'), ...started];
  const sum = (pick: (row: CountRow) => number | null | undefined, among = [...rows, ...started]) =>
    among.reduce((total, row) => total + (pick(row) ?? 0), 0);
  const count = (status: ItemStatus) =>
    sum(
      (row) => row.n,
      counted.filter((row) => row.status === status),
    );
  return {
    byStatus: {
      waiting: count('waiting'),
      started: count('started'),
      signed: count('signed'),
      failed: count('failed'),
      rejected: count('rejected'),
      cancelled: count('cancelled'),
      errored: count('errored'),
    },
    unmade: sum((row) => row.unmade),
    held: sum((row) => row.held),
    undecided: sum((row) => row.undecided),
    asked: sum((row) => row.asked),
    costUsd: sum((row) => row.cost_usd),
    unpricedCalls: sum((row) => row.unpriced),
    dearestUsd: Math.max(0, ...rows.map((row) => row.dearest ?? 0)),
  };
}
