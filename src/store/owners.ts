/** Owners of repositories, by organisation. */

export interface OwnerRow {
  /** UUID. */
  readonly id: string;
  readonly org_id: string;
  /** Lower case. */
  readonly owner: string;
  readonly name: string;
  readonly github_id: number | null;
  /** JSON list of names in lower case; `null`: all of them. */
  readonly repositories: string | null;
  readonly created_at: string;
}

export class OwnerStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Makes it, or changes what is known of the owner; its id and age stay. */
  async put(row: OwnerRow): Promise<OwnerRow> {
    const kept = await this.#db
      .prepare(
        `INSERT INTO owners (id, org_id, owner, name, github_id, repositories, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (org_id, owner) DO UPDATE SET name = ?4, github_id = ?5, repositories = ?6
         RETURNING *`,
      )
      .bind(row.id, row.org_id, row.owner, row.name, row.github_id, row.repositories, row.created_at)
      .first<OwnerRow>();
    return kept ?? row;
  }

  async list(orgId: string): Promise<OwnerRow[]> {
    const { results } = await this.#db
      .prepare('SELECT * FROM owners WHERE org_id = ?1 ORDER BY owner')
      .bind(orgId)
      .all<OwnerRow>();
    return results;
  }

  /** What was removed, or `null`. */
  async remove(orgId: string, id: string): Promise<OwnerRow | null> {
    return this.#db
      .prepare('DELETE FROM owners WHERE org_id = ?1 AND id = ?2 RETURNING *')
      .bind(orgId, id)
      .first<OwnerRow>();
  }
}
