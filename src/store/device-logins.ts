/**
 * Devices that wait to be let in. Their secret is known by its hash alone. Every change names the state it may
 * come from, so that a login is approved once and gives one token.
 */
import { changed } from './changed.ts';
import type { NewTokenRow } from './tokens.ts';

export type DeviceStatus = 'pending' | 'approved' | 'denied' | 'spent';

export interface DeviceRow {
  readonly device_sha256: string;
  /** Without the dash. */
  readonly user_code: string;
  readonly status: DeviceStatus;
  /** "https://github.com/owner/name" as the device says; nobody has checked it. */
  readonly repository: string | null;
  readonly interval_s: number;
  readonly polled_at: string | null;
  readonly created_at: string;
  readonly expires_at: string;
  /** These three are set by who approves. */
  readonly org_id: string | null;
  readonly token_name: string | null;
  readonly token_expires_at: string | null;
}

export type NewDevice = Pick<
  DeviceRow,
  'device_sha256' | 'user_code' | 'repository' | 'interval_s' | 'created_at' | 'expires_at'
>;

export interface Approval {
  readonly orgId: string;
  readonly tokenName: string;
  readonly tokenExpiresAt: string;
}

/** A login that ended is kept this long, so that a late poll is told how it ended. */
const KEPT_MS = 3_600_000;

export class DeviceLoginStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** False when the user code is taken. */
  async insert(row: NewDevice): Promise<boolean> {
    return changed(
      this.#db,
      `INSERT INTO device_logins (device_sha256, user_code, repository, interval_s, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING`,
      [row.device_sha256, row.user_code, row.repository, row.interval_s, row.created_at, row.expires_at],
    );
  }

  /** Not scoped: whoever has the secret is the device. */
  async byDevice(sha256: string): Promise<DeviceRow | null> {
    return this.#db
      .prepare('SELECT * FROM device_logins WHERE device_sha256 = ?1')
      .bind(sha256)
      .first<DeviceRow>();
  }

  /** One that still waits at `now`. Not scoped: it belongs to nobody yet. */
  async waiting(userCode: string, now: string): Promise<DeviceRow | null> {
    return this.#db
      .prepare("SELECT * FROM device_logins WHERE user_code = ?1 AND status = 'pending' AND expires_at > ?2")
      .bind(userCode, now)
      .first<DeviceRow>();
  }

  async polled(sha256: string, intervalS: number, at: string): Promise<void> {
    await this.#db
      .prepare('UPDATE device_logins SET polled_at = ?3, interval_s = ?2 WHERE device_sha256 = ?1')
      .bind(sha256, intervalS, at)
      .run();
  }

  /** False when it does not wait any more. */
  async approve(
    userCode: string,
    { orgId, tokenName, tokenExpiresAt }: Approval,
    now: string,
  ): Promise<boolean> {
    return changed(
      this.#db,
      `UPDATE device_logins SET status = 'approved', org_id = ?2, token_name = ?3, token_expires_at = ?4
         WHERE user_code = ?1 AND status = 'pending' AND expires_at > ?5`,
      [userCode, orgId, tokenName, tokenExpiresAt, now],
    );
  }

  /** False when it does not wait any more. */
  async deny(userCode: string, orgId: string, now: string): Promise<boolean> {
    return changed(
      this.#db,
      "UPDATE device_logins SET status = 'denied', org_id = ?2 WHERE user_code = ?1 AND status = 'pending' AND expires_at > ?3",
      [userCode, orgId, now],
    );
  }

  /** Makes the token of an approved login, once: both or neither. False when it was made already. */
  async redeem(sha256: string, token: NewTokenRow): Promise<boolean> {
    const spend = this.#db
      .prepare(
        "UPDATE device_logins SET status = 'spent' WHERE device_sha256 = ?1 AND status = 'approved' AND expires_at > ?2",
      )
      .bind(sha256, token.created_at);
    const insert = this.#db
      .prepare(
        `INSERT INTO tokens (id, org_id, name, sha256, scopes, created_at, expires_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE changes() > 0`,
      )
      .bind(
        token.id,
        token.org_id,
        token.name,
        token.sha256,
        token.scopes,
        token.created_at,
        token.expires_at,
      );
    const [, inserted] = await this.#db.batch([spend, insert]);
    return (inserted?.meta.changes ?? 0) > 0;
  }

  /** Forgets logins that ended an hour before `now`. Returns how many. */
  async purge(now: Date): Promise<number> {
    const before = new Date(now.getTime() - KEPT_MS).toISOString();
    const { meta } = await this.#db
      .prepare('DELETE FROM device_logins WHERE expires_at < ?1')
      .bind(before)
      .run();
    return meta.changes;
  }
}
