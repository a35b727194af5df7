/** API tokens by hash. Revoking keeps the row: what a token was is part of the record. */
import type { Scope } from '../schema/tokens.ts';

export interface TokenRow {
  readonly id: string;
  readonly org_id: string;
  readonly name: string;
  readonly sha256: string;
  /** Separated by commas. */
  readonly scopes: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
}

export type NewTokenRow = Omit<TokenRow, 'last_used_at' | 'revoked_at'>;

export function scopesOf(row: Pick<TokenRow, 'scopes'>): Scope[] {
  return row.scopes.split(',') as Scope[];
}

export class TokenStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async insert(row: NewTokenRow): Promise<void> {
    await this.#db
      .prepare(
        'INSERT INTO tokens (id, org_id, name, sha256, scopes, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)',
      )
      .bind(row.id, row.org_id, row.name, row.sha256, row.scopes, row.created_at, row.expires_at)
      .run();
  }

  /** Whatever its state: whether it still counts is for the caller to say. Not scoped: it tells the organisation. */
  async byHash(sha256: string): Promise<TokenRow | null> {
    return this.#db.prepare('SELECT * FROM tokens WHERE sha256 = ?1').bind(sha256).first<TokenRow>();
  }

  async find(orgId: string, id: string): Promise<TokenRow | null> {
    return this.#db
      .prepare('SELECT * FROM tokens WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId)
      .first<TokenRow>();
  }

  async list(orgId: string, beforeId: string | undefined, limit: number): Promise<TokenRow[]> {
    const { results } = await this.#db
      .prepare('SELECT * FROM tokens WHERE org_id = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3')
      .bind(orgId, beforeId ?? null, limit)
      .all<TokenRow>();
    return results;
  }

  /** The first revocation's time stays. */
  async revoke(orgId: string, id: string, at: string): Promise<void> {
    await this.#db
      .prepare('UPDATE tokens SET revoked_at = COALESCE(revoked_at, ?3) WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId, at)
      .run();
  }

  async used(id: string, at: string): Promise<void> {
    await this.#db.prepare('UPDATE tokens SET last_used_at = ?2 WHERE id = ?1').bind(id, at).run();
  }
}
