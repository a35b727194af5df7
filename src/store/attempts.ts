/** Attempts and their case results: what a list or a dashboard shows without opening R2. */
import type { Report, Verdict } from '../schema/report.ts';
import { type Question, question } from './ask.ts';
import type { Change } from './changed.ts';

export interface AttemptRow {
  readonly generation_id: string;
  readonly n: number;
  readonly verdict: Verdict | null;
  readonly summary: string | null;
  readonly check_lines: number | null;
  readonly captures: number | null;
  readonly cases_passed: number | null;
  readonly sandbox_ms: number | null;
  readonly started_at: string;
  readonly ended_at: string | null;
}

export interface CaseRow {
  readonly attempt: number;
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly outcome: string;
  readonly message: string | null;
  readonly duration_ms: number;
}

interface AttemptKey {
  readonly generationId: string;
  readonly orgId: string;
  readonly n: number;
}

export interface AttemptEnd {
  readonly verdict: Verdict;
  readonly summary: string;
  readonly casesPassed: number;
  readonly sandboxMs: number;
}

const ALIVE = 'EXISTS (SELECT 1 FROM generations WHERE id = ?1 AND ended_at IS NULL)';

export class AttemptStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  starting({ generationId, n, orgId }: AttemptKey, at: string): Change {
    return this.#starting(orgId, [generationId], n, at);
  }

  /** The first attempts of many generations. */
  async startFirst(orgId: string, generationIds: readonly string[], at: string): Promise<void> {
    await this.#starting(orgId, generationIds, 1, at).run();
  }

  /** Only of those that are alive: the end of a generation ends its attempts, and none begins after it. */
  #starting(orgId: string, generationIds: readonly string[], n: number, at: string): D1PreparedStatement {
    return this.#db
      .prepare(
        `INSERT INTO attempts (generation_id, n, org_id, started_at)
         SELECT id, ?3, org_id, ?4 FROM generations
         WHERE org_id = ?2 AND ended_at IS NULL AND id IN (SELECT value FROM json_each(?1))
         ON CONFLICT DO NOTHING`,
      )
      .bind(JSON.stringify(generationIds), orgId, n, at);
  }

  sizing(key: AttemptKey, size: { captures: number; checkLines: number }): Change {
    return this.#db
      .prepare(
        `UPDATE attempts SET captures = ?3, check_lines = ?4 WHERE generation_id = ?1 AND n = ?2 AND ${ALIVE}`,
      )
      .bind(key.generationId, key.n, size.captures, size.checkLines);
  }

  /** Twice writes the same rows. Nothing happens when the generation has ended meanwhile: that ended its attempts. */
  ending(key: AttemptKey, end: AttemptEnd, cases: Report['cases'], at: string): Change[] {
    const update = this.#db
      .prepare(
        `UPDATE attempts SET verdict = ?3, summary = ?4, cases_passed = ?5, sandbox_ms = ?6, ended_at = COALESCE(ended_at, ?7)
         WHERE generation_id = ?1 AND n = ?2 AND ${ALIVE}`,
      )
      .bind(
        key.generationId,
        key.n,
        end.verdict,
        end.summary,
        end.casesPassed,
        Math.round(end.sandboxMs),
        at,
      );
    const insert = this.#db.prepare(
      `INSERT INTO case_results (generation_id, attempt, case_index, org_id, name, kind, status, outcome, message, duration_ms)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE ${ALIVE} ON CONFLICT DO NOTHING`,
    );
    const rows = cases.map((one, index) =>
      insert.bind(
        key.generationId,
        key.n,
        index,
        key.orgId,
        one.name,
        one.kind,
        one.status,
        one.outcome,
        one.message?.slice(0, 2_000) ?? null,
        Math.round(one.durationMs),
      ),
    );
    return [update, ...rows];
  }

  listOf(orgId: string, generationId: string): Question<AttemptRow[]> {
    const statement = this.#db
      .prepare('SELECT * FROM attempts WHERE generation_id = ?1 AND org_id = ?2 ORDER BY n')
      .bind(generationId, orgId);
    return question(statement, (rows: AttemptRow[]) => rows);
  }

  casesOf(orgId: string, generationId: string): Question<CaseRow[]> {
    const statement = this.#db
      .prepare(
        `SELECT attempt, name, kind, status, outcome, message, duration_ms FROM case_results
         WHERE generation_id = ?1 AND org_id = ?2 ORDER BY attempt, case_index`,
      )
      .bind(generationId, orgId);
    return question(statement, (rows: CaseRow[]) => rows);
  }
}
