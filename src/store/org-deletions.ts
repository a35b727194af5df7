/**
 * Deletes everything of an organisation: every object below its prefix and every row that carries its id, in
 * whatever table. The tables are asked of the database, so that a new one cannot be forgotten. What stays is one
 * row that says that it was done, and the log's entries, which are digests.
 */
import { LATE_WRITES_MS } from './deletions.ts';
import { orgPrefix } from './objects.ts';
import { deleteBelow } from './prefix.ts';
import { referringFirst, rowKeyOf, type Table } from './table-order.ts';

export interface OrgDeletion {
  readonly org_id: string;
  readonly requested_at: string;
  readonly done_at: string | null;
}

/** Of one pass, so that a large organisation goes in several. */
const MOST_OBJECTS = 2_000;
const MOST_ROWS = 2_000;

const RECORD = 'org_deletions';

export interface OrgSweep {
  readonly objects: number;
  readonly rows: number;
  readonly done: boolean;
}

export class OrgDeletionStore {
  readonly #db: D1Database;
  readonly #bucket: R2Bucket;

  constructor(db: D1Database, bucket: R2Bucket) {
    this.#db = db;
    this.#bucket = bucket;
  }

  /** Asks for it; one that is under way goes on. Its tokens end at once. */
  async request(orgId: string, at: string): Promise<void> {
    await this.#db.batch([
      this.#db
        .prepare(
          `INSERT INTO org_deletions (org_id, requested_at) SELECT ?1, ?2
           WHERE NOT EXISTS (SELECT 1 FROM org_deletions WHERE org_id = ?1 AND done_at IS NULL)`,
        )
        .bind(orgId, at),
      this.#db.prepare('DELETE FROM tokens WHERE org_id = ?1').bind(orgId),
    ]);
  }

  /** Newest first. */
  async list(orgId: string): Promise<OrgDeletion[]> {
    const { results } = await this.#db
      .prepare('SELECT * FROM org_deletions WHERE org_id = ?1 ORDER BY requested_at DESC LIMIT 100')
      .bind(orgId)
      .all<OrgDeletion>();
    return results;
  }

  async due(): Promise<OrgDeletion[]> {
    const { results } = await this.#db
      .prepare('SELECT * FROM org_deletions WHERE done_at IS NULL ORDER BY requested_at')
      .all<OrgDeletion>();
    return results;
  }

  /** One pass. Rows go when no object is left: while there are rows, somebody can see what is not gone yet. */
  async sweep({ org_id: orgId, requested_at: since }: OrgDeletion, now: Date): Promise<OrgSweep> {
    const { deleted: objects, empty } = await deleteBelow(this.#bucket, orgPrefix(orgId), MOST_OBJECTS);
    if (!empty) return { objects, rows: 0, done: false };
    const rows = await this.#deleteRows(orgId);
    const done = objects === 0 && rows === 0 && now.getTime() - Date.parse(since) >= LATE_WRITES_MS;
    if (done) {
      await this.#db
        .prepare('UPDATE org_deletions SET done_at = ?3 WHERE org_id = ?1 AND requested_at = ?2')
        .bind(orgId, since, now.toISOString())
        .run();
    }
    return { objects, rows, done };
  }

  async #deleteRows(orgId: string): Promise<number> {
    let rows = 0;
    for (const table of await this.#tables()) {
      const key = rowKeyOf(table);
      const columns = key.replace(/[()]/g, '');
      const some = `SELECT ${columns} FROM "${table.name}" WHERE org_id = ?1 LIMIT ?2`;
      const { meta } = await this.#db
        .prepare(`DELETE FROM "${table.name}" WHERE ${key} IN (${some})`)
        .bind(orgId, MOST_ROWS)
        .run();
      rows += meta.changes;
    }
    return rows;
  }

  /** Those with an `org_id`, each after every one that refers to it. D1 does not let one ask by pragma. */
  async #tables(): Promise<Table[]> {
    const { results } = await this.#db
      .prepare(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%org_id%' AND name <> ?1",
      )
      .bind(RECORD)
      .all<Table>();
    return referringFirst(results);
  }
}
