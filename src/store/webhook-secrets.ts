/** Which signing secrets an organisation has: ids and times. The secrets are derived where they are used. */

import { MAX_ACTIVE_SECRETS } from '../schema/webhooks.ts';
import { changed } from './changed.ts';

export interface WebhookSecretRow {
  readonly id: string;
  readonly org_id: string;
  readonly created_at: string;
  readonly revoked_at: string | null;
}

export class WebhookSecretStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** False when as many as may be are active. */
  async insert(row: Omit<WebhookSecretRow, 'revoked_at'>): Promise<boolean> {
    return changed(
      this.#db,
      `INSERT INTO webhook_secrets (id, org_id, created_at) SELECT ?1, ?2, ?3
         WHERE (SELECT COUNT(*) FROM webhook_secrets WHERE org_id = ?2 AND revoked_at IS NULL) < ?4`,
      [row.id, row.org_id, row.created_at, MAX_ACTIVE_SECRETS],
    );
  }

  /** Ids of those that sign now, oldest first. */
  async active(orgId: string): Promise<string[]> {
    const { results } = await this.#db
      .prepare('SELECT id FROM webhook_secrets WHERE org_id = ?1 AND revoked_at IS NULL ORDER BY id')
      .bind(orgId)
      .all<{ id: string }>();
    return results.map((row) => row.id);
  }

  async find(orgId: string, id: string): Promise<WebhookSecretRow | null> {
    return this.#db
      .prepare('SELECT * FROM webhook_secrets WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId)
      .first<WebhookSecretRow>();
  }

  async list(orgId: string, beforeId: string | undefined, limit: number): Promise<WebhookSecretRow[]> {
    const { results } = await this.#db
      .prepare(
        'SELECT * FROM webhook_secrets WHERE org_id = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3',
      )
      .bind(orgId, beforeId ?? null, limit)
      .all<WebhookSecretRow>();
    return results;
  }

  /** The first revocation's time stays. */
  async revoke(orgId: string, id: string, at: string): Promise<void> {
    await this.#db
      .prepare(
        'UPDATE webhook_secrets SET revoked_at = COALESCE(revoked_at, ?3) WHERE id = ?1 AND org_id = ?2',
      )
      .bind(id, orgId, at)
      .run();
  }
}
