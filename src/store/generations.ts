/**
 * The generation's row: its status machine and what lists show. Every change of status names the
 * statuses it may come from, so that a cancel and a publish can race and exactly one wins.
 */
import type { GenerationStatus } from '../schema/api.ts';
import type { Engine } from '../schema/request.ts';

export interface GenerationRow {
  readonly id: string;
  readonly org_id: string;
  readonly status: GenerationStatus;
  readonly reason_code: string | null;
  readonly reason_message: string | null;
  readonly name: string | null;
  readonly prompt_excerpt: string;
  readonly request_sha256: string;
  readonly model: string;
  /** `null` until the step `classify` has decided. */
  readonly engine: Engine | null;
  readonly engine_reason: string | null;
  readonly cases_total: number;
  readonly cases_passed: number;
  readonly attempts_max: number;
  readonly attempt: number;
  readonly step: string;
  readonly rule_id: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly ended_at: string | null;
}

export type NewGeneration = Pick<
  GenerationRow,
  | 'id'
  | 'org_id'
  | 'name'
  | 'prompt_excerpt'
  | 'request_sha256'
  | 'model'
  | 'cases_total'
  | 'attempts_max'
  | 'created_at'
>;

export interface Progress {
  readonly step: string;
  readonly attempt?: number;
  readonly casesPassed?: number;
}

export interface ListQuery {
  readonly status?: GenerationStatus | undefined;
  /** Ids are time-ordered; the page starts after this one. */
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

export class GenerationStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async insert(row: NewGeneration): Promise<void> {
    await this.#db
      .prepare(
        `INSERT INTO generations (id, org_id, status, name, prompt_excerpt, request_sha256, model, cases_total, attempts_max, created_at, updated_at)
         VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)`,
      )
      .bind(
        row.id,
        row.org_id,
        row.name,
        row.prompt_excerpt,
        row.request_sha256,
        row.model,
        row.cases_total,
        row.attempts_max,
        row.created_at,
      )
      .run();
  }

  async find(orgId: string, id: string): Promise<GenerationRow | null> {
    return this.#db
      .prepare('SELECT * FROM generations WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId)
      .first<GenerationRow>();
  }

  async list(orgId: string, query: ListQuery): Promise<GenerationRow[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT * FROM generations
         WHERE org_id = ?1 AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR id < ?3)
         ORDER BY id DESC LIMIT ?4`,
      )
      .bind(orgId, query.status ?? null, query.beforeId ?? null, query.limit)
      .all<GenerationRow>();
    return results;
  }

  /** False when the generation is no longer alive: cancelled, most likely. */
  async start(id: string, at: string): Promise<boolean> {
    return this.#change(
      `UPDATE generations SET status = 'running', step = 'accept', updated_at = ?2 WHERE id = ?1 AND status IN ('queued', 'running')`,
      [id, at],
    );
  }

  /** False when the generation is no longer running. */
  async chooseEngine(id: string, engine: Engine, reason: string, at: string): Promise<boolean> {
    return this.#change(
      `UPDATE generations SET engine = ?2, engine_reason = ?3, step = 'classify', updated_at = ?4
       WHERE id = ?1 AND status = 'running'`,
      [id, engine, reason, at],
    );
  }

  /** False when the generation is no longer running. */
  async progress(id: string, progress: Progress, at: string): Promise<boolean> {
    return this.#change(
      `UPDATE generations SET step = ?2, attempt = COALESCE(?3, attempt), cases_passed = COALESCE(?4, cases_passed), updated_at = ?5
       WHERE id = ?1 AND status = 'running'`,
      [id, progress.step, progress.attempt ?? null, progress.casesPassed ?? null, at],
    );
  }

  /**
   * Ends a live generation without a rule, and logs it, both or neither. False when it had already ended.
   */
  async end(
    id: string,
    status: Exclude<GenerationStatus, 'queued' | 'running' | 'signed'>,
    reason: { code: string; message: string },
    at: string,
  ): Promise<boolean> {
    const update = this.#db
      .prepare(
        `UPDATE generations SET status = ?2, reason_code = ?3, reason_message = ?4, updated_at = ?5, ended_at = ?5
         WHERE id = ?1 AND status IN ('queued', 'running')`,
      )
      .bind(id, status, reason.code, reason.message, at);
    const closeAttempt = this.#db
      .prepare(
        `UPDATE attempts SET verdict = ?2, summary = ?3, ended_at = ?4 WHERE generation_id = ?1 AND ended_at IS NULL
         AND EXISTS (SELECT 1 FROM generations WHERE id = ?1 AND ended_at IS NOT NULL)`,
      )
      .bind(id, status === 'failed' ? 'rejected' : 'inconclusive', reason.message, at);
    const log = logEnd(this.#db, id, { status, ...reason }, at);
    const [updated] = await this.#db.batch([update, log, closeAttempt]);
    return (updated?.meta.changes ?? 0) > 0;
  }

  /** Live generations without progress since `before`, oldest first. */
  async stalled(before: string, limit: number): Promise<Pick<GenerationRow, 'id' | 'org_id' | 'status'>[]> {
    const { results } = await this.#db
      .prepare(
        'SELECT id, org_id, status FROM generations WHERE ended_at IS NULL AND updated_at < ?1 ORDER BY updated_at LIMIT ?2',
      )
      .bind(before, limit)
      .all<Pick<GenerationRow, 'id' | 'org_id' | 'status'>>();
    return results;
  }

  async #change(sql: string, values: unknown[]): Promise<boolean> {
    const { meta } = await this.#db
      .prepare(sql)
      .bind(...values)
      .run();
    return meta.changes > 0;
  }
}

/** The `ended` event, logged only when the statement before it in the same batch changed a row. */
export function logEnd(
  db: D1Database,
  id: string,
  data: Record<string, unknown>,
  at: string,
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO events (generation_id, org_id, key, type, data, at)
       SELECT id, org_id, 'ended', 'ended', ?2, ?3 FROM generations WHERE id = ?1 AND changes() > 0`,
    )
    .bind(id, JSON.stringify(data), at);
}
