/**
 * The generation's row: its status machine and what lists show. Every change of status names the
 * statuses it may come from, so that a cancel and a publish can race and exactly one wins.
 */

import type { GenerationStatus } from '../schema/api.ts';
import type { Engine } from '../schema/request.ts';
import { askOne, type Question, question } from './ask.ts';
import { type Change, changed } from './changed.ts';
import { type GenerationFilter, generationsQuery } from './generation-filter.ts';
import { type Claim, claimStatement } from './idempotency.ts';
import { generationWebhook } from './outbox.ts';

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
  /** `null` until the step `classify` has decided; a retry has that of what it repeats from the start. */
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
  /** The generation this one is a retry of. */
  readonly retry_of: string | null;
  readonly retry_sha256: string | null;
  /** The attempt of `retry_of` whose reply this one goes on from. */
  readonly from_attempt: number | null;
  readonly batch_id: string | null;
  readonly search_text: string | null;
  readonly step_retries: number;
  /** The rule whose files this one verifies and signs again; `null` where a model writes one. */
  readonly reverifies: string | null;
  /** 1: its instance is not wanted yet; its batch lets it go. */
  readonly held: number;
  /** Where its end is told. */
  readonly callback_url: string | null;
  /** Set from when it was asked to be deleted; then the row has no texts, or soon has none. */
  readonly deleting_at: string | null;
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
> &
  Partial<
    Pick<
      GenerationRow,
      | 'engine'
      | 'engine_reason'
      | 'retry_of'
      | 'retry_sha256'
      | 'from_attempt'
      | 'batch_id'
      | 'search_text'
      | 'reverifies'
      | 'held'
      | 'callback_url'
    >
  >;

/** What lineage shows of a generation. */
export type LineRow = Pick<GenerationRow, 'id' | 'status' | 'retry_of' | 'retry_sha256' | 'deleting_at'>;

export interface Progress {
  readonly step: string;
  readonly attempt?: number;
  readonly casesPassed?: number;
}

export class GenerationStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** The row as it is now, or `null` when another live retry of the same generation was first. */
  async insert(row: NewGeneration): Promise<GenerationRow | null> {
    return insertStatement(
      this.#db,
      row,
      'WHERE 1 ON CONFLICT DO NOTHING RETURNING *',
    ).first<GenerationRow>();
  }

  /** Inserts only together with its idempotency key: both or neither. `null` when somebody else was first. */
  async insertClaimed(row: NewGeneration, claim: Claim): Promise<GenerationRow | null> {
    const insert = insertStatement(this.#db, row, 'WHERE changes() > 0 RETURNING *');
    try {
      const [, inserted] = await this.#db.batch<GenerationRow>([claimStatement(this.#db, claim), insert]);
      return inserted?.results[0] ?? null;
    } catch (error) {
      // Another retry of the same generation is alive, and the key was not claimed either.
      if (String(error).includes('UNIQUE constraint failed: generations.retry_of')) return null;
      throw error;
    }
  }

  /**
   * Those of a batch that runs; each alone. Returns for each whether its row is there now: not when the batch stopped
   * meanwhile, or when another live retry of the same generation was first.
   */
  async insertOfBatch(rows: readonly (NewGeneration & { batch_id: string })[]): Promise<boolean[]> {
    if (rows.length === 0) return [];
    const when =
      "WHERE EXISTS (SELECT 1 FROM batches WHERE id = ?13 AND status = 'running') ON CONFLICT DO NOTHING";
    const there = this.#db.prepare('SELECT 1 FROM generations WHERE id = ?1');
    const results = await this.#db.batch([
      ...rows.map((row) => insertStatement(this.#db, row, when)),
      ...rows.map((row) => there.bind(row.id)),
    ]);
    return results.slice(rows.length).map(({ results: found }) => found.length > 0);
  }

  async findMany(orgId: string, ids: readonly string[]): Promise<Map<string, GenerationRow>> {
    const { results } = await this.#db
      .prepare('SELECT * FROM generations WHERE org_id = ?1 AND id IN (SELECT value FROM json_each(?2))')
      .bind(orgId, JSON.stringify(ids))
      .all<GenerationRow>();
    return new Map(results.map((row) => [row.id, row]));
  }

  /** Their instances are there, or wanted from now on. */
  async letGo(ids: readonly string[], at: string): Promise<void> {
    await this.#db
      .prepare(
        `UPDATE generations SET held = 0, updated_at = MAX(updated_at, ?2)
         WHERE id IN (SELECT value FROM json_each(?1)) AND held = 1`,
      )
      .bind(JSON.stringify(ids), at)
      .run();
  }

  async find(orgId: string, id: string): Promise<GenerationRow | null> {
    return askOne(this.finding(orgId, id));
  }

  finding(orgId: string, id: string): Question<GenerationRow | null> {
    const statement = this.#db
      .prepare('SELECT * FROM generations WHERE id = ?1 AND org_id = ?2')
      .bind(id, orgId);
    return question(statement, ([row]: GenerationRow[]) => row ?? null);
  }

  /** A generation and everything that was made of it by retrying, newest first. */
  lineOf(orgId: string, id: string): Question<LineRow[]> {
    const statement = this.#db
      .prepare(
        `WITH RECURSIVE line (id) AS (
           SELECT id FROM generations WHERE id = ?1 AND org_id = ?2
           UNION SELECT next.id FROM generations next JOIN line ON next.retry_of = line.id WHERE next.org_id = ?2)
         SELECT id, status, retry_of, retry_sha256, deleting_at FROM generations WHERE id IN (SELECT id FROM line) ORDER BY id DESC`,
      )
      .bind(id, orgId);
    return question(statement, (rows: LineRow[]) => rows);
  }

  async list(orgId: string, filter: GenerationFilter): Promise<GenerationRow[]> {
    const { sql, values } = generationsQuery(orgId, filter);
    const { results } = await this.#db
      .prepare(sql)
      .bind(...values)
      .all<GenerationRow>();
    return results;
  }

  /** The row, running from now on; `null` when the generation is no longer alive: cancelled, most likely. */
  async start(id: string, at: string): Promise<GenerationRow | null> {
    return this.#db
      .prepare(
        `UPDATE generations SET status = 'running', step = 'accept', updated_at = ?2
         WHERE id = ?1 AND status IN ('queued', 'running') RETURNING *`,
      )
      .bind(id, at)
      .first<GenerationRow>();
  }

  /** Nothing happens when the generation is no longer running. */
  choosingEngine(id: string, engine: Engine, reason: string, at: string): Change {
    return this.#db
      .prepare(
        `UPDATE generations SET engine = ?2, engine_reason = ?3, step = 'classify', updated_at = ?4
         WHERE id = ?1 AND status = 'running'`,
      )
      .bind(id, engine, reason, at);
  }

  /** Changes no row when the generation is no longer running. */
  progressing(id: string, { step, attempt, casesPassed }: Progress, at: string): Change {
    return this.#db
      .prepare(
        `UPDATE generations SET step = ?2, attempt = COALESCE(?3, attempt), cases_passed = COALESCE(?4, cases_passed), updated_at = ?5,
           step_retries = CASE WHEN step = ?2 THEN step_retries ELSE 0 END
         WHERE id = ?1 AND status = 'running'`,
      )
      .bind(id, step, attempt ?? null, casesPassed ?? null, at);
  }

  /** How often the step that is running was tried before. No progress: a stalled generation stays one. */
  async showRetries(id: string, retries: number): Promise<void> {
    await changed(this.#db, "UPDATE generations SET step_retries = ?2 WHERE id = ?1 AND status = 'running'", [
      id,
      retries,
    ]);
  }

  /**
   * Ends a live generation without a rule, logs it, and puts its webhook into the outbox: all or nothing. False
   * when it had already ended.
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
        `UPDATE attempts SET verdict = ?2, summary = ?3, ended_at = ?4,
           sandbox_ms = (SELECT CAST(ROUND(SUM(json_extract(data, '$.sandboxMs'))) AS INTEGER) FROM events
             WHERE generation_id = ?1 AND type IN ('verified', 'confirmed') AND json_extract(data, '$.attempt') = n)
         WHERE generation_id = ?1 AND ended_at IS NULL
         AND EXISTS (SELECT 1 FROM generations WHERE id = ?1 AND ended_at IS NOT NULL)`,
      )
      .bind(id, status === 'failed' ? 'rejected' : 'inconclusive', reason.message, at);
    const log = logEnd(this.#db, id, { status, ...reason }, at);
    const tell = generationWebhook(this.#db, id);
    const [updated] = await this.#db.batch([update, log, closeAttempt, tell]);
    return (updated?.meta.changes ?? 0) > 0;
  }

  /** Live generations without progress since `before`, oldest first; not those whose instance is not wanted yet. */
  async stalled(before: string, limit: number): Promise<Pick<GenerationRow, 'id' | 'org_id' | 'status'>[]> {
    const { results } = await this.#db
      .prepare(
        'SELECT id, org_id, status FROM generations WHERE ended_at IS NULL AND held = 0 AND updated_at < ?1 ORDER BY updated_at LIMIT ?2',
      )
      .bind(before, limit)
      .all<Pick<GenerationRow, 'id' | 'org_id' | 'status'>>();
    return results;
  }

  /** The running generation of an organisation that has been without progress for longest. */
  async mostSilent(orgId: string): Promise<Pick<GenerationRow, 'id' | 'step' | 'updated_at'> | null> {
    return this.#db
      .prepare(
        `SELECT id, step, updated_at FROM generations WHERE org_id = ?1 AND ended_at IS NULL AND status = 'running'
         ORDER BY updated_at LIMIT 1`,
      )
      .bind(orgId)
      .first();
  }

  /** The one that ended last since then, of those that nobody cancelled. */
  async lastEnded(
    orgId: string,
    since: string,
  ): Promise<Pick<GenerationRow, 'id' | 'status' | 'reason_code' | 'ended_at'> | null> {
    return this.#db
      .prepare(
        `SELECT id, status, reason_code, ended_at FROM generations WHERE org_id = ?1 AND ended_at >= ?2 AND status <> 'cancelled'
         ORDER BY ended_at DESC LIMIT 1`,
      )
      .bind(orgId, since)
      .first();
  }

  /** Ids of live generations of an organisation. */
  async aliveOf(orgId: string, limit: number): Promise<string[]> {
    const { results } = await this.#db
      .prepare('SELECT id FROM generations WHERE org_id = ?1 AND ended_at IS NULL LIMIT ?2')
      .bind(orgId, limit)
      .all<{ id: string }>();
    return results.map((one) => one.id);
  }
}

/** @param when what follows the values: the condition on which the row is made */
function insertStatement(db: D1Database, row: NewGeneration, when: string): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO generations (id, org_id, status, name, prompt_excerpt, request_sha256, model, cases_total, attempts_max,
         created_at, updated_at, retry_of, retry_sha256, from_attempt, batch_id, search_text, engine, engine_reason,
         reverifies, held, callback_url)
       SELECT ?1, ?2, 'queued', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19 ${when}`,
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
      row.retry_of ?? null,
      row.retry_sha256 ?? null,
      row.from_attempt ?? null,
      row.batch_id ?? null,
      row.search_text ?? null,
      row.engine ?? null,
      row.engine_reason ?? null,
      row.reverifies ?? null,
      row.held ?? 0,
      row.callback_url ?? null,
    );
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
