/**
 * Deletes a generation that has ended: its objects, its texts, its rule, its webhook. What stays is its row without texts
 * (id, times, numbers, codes), so that lineage, idempotency keys and metrics stay true, and the ledger of spend.
 * In three moves, each safe to repeat: mark, delete objects, delete rows. A step that was running may still write
 * after that, so the last two are done again later, and only then is it called deleted.
 */
import { forgetRequest } from './batch-requests.ts';
import { generationPrefix } from './objects.ts';
import { forgetWebhook } from './outbox.ts';
import { deleteBelow } from './prefix.ts';

/** Longer than any step can run on, see the deadline ladder in ARCHITECTURE.md. */
export const LATE_WRITES_MS = 15 * 60_000;

export interface Deletion {
  readonly id: string;
  readonly org_id: string;
  readonly deleting_at: string;
  readonly deleted_at: string | null;
}

export class DeletionStore {
  readonly #db: D1Database;
  readonly #bucket: R2Bucket;

  constructor(db: D1Database, bucket: R2Bucket) {
    this.#db = db;
    this.#bucket = bucket;
  }

  /** `null` when it is not being deleted, or not of this organisation. */
  async find(orgId: string, id: string): Promise<Deletion | null> {
    return this.#db
      .prepare(
        `SELECT id, org_id, deleting_at, deleted_at FROM generations
         WHERE id = ?1 AND org_id = ?2 AND deleting_at IS NOT NULL`,
      )
      .bind(id, orgId)
      .first<Deletion>();
  }

  /**
   * From here on nothing of it is shown. A signed one is taken only with its rule. False when it has not ended,
   * is signed, is marked already, or is not of this organisation.
   */
  async mark(orgId: string, id: string, withRule: boolean, at: string): Promise<boolean> {
    const mark = this.#db
      .prepare(
        `UPDATE generations SET deleting_at = ?3 WHERE id = ?1 AND org_id = ?2 AND ended_at IS NOT NULL
         AND deleting_at IS NULL AND (?4 OR status <> 'signed')`,
      )
      .bind(id, orgId, at, withRule ? 1 : 0);
    const rule = this.#db.prepare('DELETE FROM rules WHERE generation_id = ?1 AND changes() > 0').bind(id);
    const [marked] = await this.#db.batch([mark, rule]);
    return (marked?.meta.changes ?? 0) > 0;
  }

  /** Objects first: while a row says that something is there, somebody comes back for it. Returns how many objects. */
  async sweep({ id, org_id: orgId, deleting_at: since }: Deletion, now: Date): Promise<number> {
    const { deleted } = await deleteBelow(
      this.#bucket,
      generationPrefix(orgId, id),
      Number.POSITIVE_INFINITY,
    );
    await forgetRequest(this.#db, this.#bucket, id);
    const settled = now.getTime() - Date.parse(since) >= LATE_WRITES_MS;
    await this.#db.batch([
      this.#db.prepare('DELETE FROM events WHERE generation_id = ?1').bind(id),
      this.#db.prepare('DELETE FROM case_results WHERE generation_id = ?1').bind(id),
      this.#db.prepare('UPDATE batch_items SET reason_message = NULL WHERE generation_id = ?1').bind(id),
      this.#db.prepare('DELETE FROM taskless_requests WHERE generation_id = ?1').bind(id),
      this.#db.prepare('UPDATE attempts SET summary = NULL WHERE generation_id = ?1').bind(id),
      ...forgetWebhook(this.#db, id),
      this.#db
        .prepare(
          `UPDATE generations SET name = NULL, prompt_excerpt = '', search_text = NULL, request_sha256 = '',
             reason_message = NULL, engine_reason = NULL, rule_id = NULL, callback_url = NULL, deleted_at = COALESCE(deleted_at, ?2)
           WHERE id = ?1 AND deleting_at IS NOT NULL`,
        )
        .bind(id, settled ? now.toISOString() : null),
    ]);
    return deleted;
  }

  /** What was marked and not swept yet, or not since late writes have ended. The oldest first. */
  async due(now: Date, limit: number): Promise<Deletion[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT id, org_id, deleting_at, deleted_at FROM generations
         WHERE deleting_at IS NOT NULL AND deleted_at IS NULL AND (deleting_at <= ?1 OR request_sha256 <> '')
         ORDER BY deleting_at LIMIT ?2`,
      )
      .bind(new Date(now.getTime() - LATE_WRITES_MS).toISOString(), limit)
      .all<Deletion>();
    return results;
  }

  /** Marks generations without a rule that ended before `before`, of any organisation. Returns how many. */
  async markExpired(before: string, limit: number, at: string): Promise<number> {
    const { meta } = await this.#db
      .prepare(
        `UPDATE generations SET deleting_at = ?3 WHERE id IN (SELECT id FROM generations
           WHERE ended_at IS NOT NULL AND ended_at < ?1 AND deleting_at IS NULL AND status <> 'signed'
           ORDER BY ended_at LIMIT ?2)`,
      )
      .bind(before, limit, at)
      .run();
    return meta.changes;
  }

  /** Deletes events of generations that ended before `before`, of so many at most. Returns how many events. */
  async expireEvents(before: string, limit: number, at: string): Promise<number> {
    const old = `SELECT id FROM generations WHERE ended_at IS NOT NULL AND ended_at < ?1 AND events_deleted_at IS NULL
      ORDER BY ended_at LIMIT ?2`;
    const [events] = await this.#db.batch([
      this.#db.prepare(`DELETE FROM events WHERE generation_id IN (${old})`).bind(before, limit),
      this.#db
        .prepare(`UPDATE generations SET events_deleted_at = ?3 WHERE id IN (${old})`)
        .bind(before, limit, at),
    ]);
    return events?.meta.changes ?? 0;
  }
}
