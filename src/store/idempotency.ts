/**
 * What an idempotency key was used for. A key is claimed in the same transaction that makes what it names, so
 * that of two requests at once one makes it and the other finds it.
 */

/** For how long a key is kept; later it is free again. */
export const KEY_LIFE_MS = 30 * 86_400_000;

export interface KeyRow {
  readonly digest: string;
  readonly target_id: string;
  readonly created_at: string;
}

export interface Claim {
  readonly orgId: string;
  readonly key: string;
  /** Of the operation and its body. */
  readonly digest: string;
  readonly targetId: string;
  /** What the key named when it was read; `null` when it was free. */
  readonly replaces: string | null;
  readonly at: string;
}

export class IdempotencyStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async find(orgId: string, key: string): Promise<KeyRow | null> {
    return this.#db
      .prepare('SELECT digest, target_id, created_at FROM idempotency_keys WHERE org_id = ?1 AND key = ?2')
      .bind(orgId, key)
      .first<KeyRow>();
  }

  /** Forgets keys first used before `before`. Returns how many. */
  async purge(before: string): Promise<number> {
    const { meta } = await this.#db
      .prepare('DELETE FROM idempotency_keys WHERE created_at < ?1')
      .bind(before)
      .run();
    return meta.changes;
  }
}

/**
 * Changes a row when the key is free, or still names what it did when it was read. The next statement of the
 * batch asks `changes()`, and makes what the key names only then.
 */
export function claimStatement(db: D1Database, claim: Claim): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO idempotency_keys (org_id, key, digest, target_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (org_id, key) DO UPDATE SET digest = ?3, target_id = ?4, created_at = ?5
       WHERE idempotency_keys.target_id = ?6`,
    )
    .bind(claim.orgId, claim.key, claim.digest, claim.targetId, claim.at, claim.replaces);
}
