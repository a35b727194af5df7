/** The UUIDs that the Taskless client knows generations by, and for which repository each was asked. */

export interface TasklessRequestRow {
  /** UUID. */
  readonly id: string;
  readonly org_id: string;
  readonly generation_id: string;
  readonly owner_id: string | null;
  /** "owner/name", lower case; `null`: for any. */
  readonly repository: string | null;
  readonly created_at: string;
}

export class TasklessRequestStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** The row of a generation: this one, or the one it had already. */
  async keep(row: TasklessRequestRow): Promise<TasklessRequestRow> {
    const insert = this.#db
      .prepare(
        `INSERT INTO taskless_requests (id, org_id, generation_id, owner_id, repository, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (generation_id) DO NOTHING`,
      )
      .bind(row.id, row.org_id, row.generation_id, row.owner_id, row.repository, row.created_at);
    await insert.run();
    return (await this.ofGeneration(row.org_id, row.generation_id)) ?? row;
  }

  async find(orgId: string, id: string): Promise<TasklessRequestRow | null> {
    return this.#db
      .prepare('SELECT * FROM taskless_requests WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId)
      .first<TasklessRequestRow>();
  }

  async ofGeneration(orgId: string, generationId: string): Promise<TasklessRequestRow | null> {
    return this.#db
      .prepare('SELECT * FROM taskless_requests WHERE generation_id = ?1 AND org_id = ?2')
      .bind(generationId, orgId)
      .first<TasklessRequestRow>();
  }
}
