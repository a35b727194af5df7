/**
 * What an organisation's generations took, over those that ended in a window. Percentiles are exact (nearest rank,
 * by window functions). What a question costs is bounded: it reads the newest `MAX_MEASURED` of the window and
 * what belongs to them by key.
 */

/** More in one window are not looked at; the answer says so. So many, of 16 steps each, take SQLite 0.35 s (measured). */
export const MAX_MEASURED = 5_000;

export interface MetricsWindow {
  readonly orgId: string;
  /** ISO 8601 UTC; the first is included. */
  readonly since: string;
  readonly until: string;
  /** At most so many generations, the newest. */
  readonly limit: number;
}

export interface EndRow {
  readonly status: string;
  readonly code: string | null;
  readonly n: number;
  readonly oldest: string;
}

/** Of values with one name: how many, their sum, and percentiles. */
export interface SpreadRow {
  readonly name: string;
  readonly n: number;
  readonly sum: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  /** Of steps: runs that failed before those that count. */
  readonly retries: number;
}

export interface Measured {
  readonly ends: readonly EndRow[];
  /** Of signed generations: how many needed so many attempts. */
  readonly attempts: readonly { readonly attempts: number; readonly n: number }[];
  /** Of attempts of generations that were not cancelled. */
  readonly verdicts: readonly { readonly verdict: string; readonly n: number }[];
  readonly totals: {
    readonly sandbox_ms: number;
    readonly cost_usd: number;
    /** Calls without a known cost, or without an answer. */
    readonly unpriced: number;
  };
  /** `queue`, `signed:ms`, `signed:cost`, `signed:sandbox`, and `step:<kind>`; milliseconds but for the cost. */
  readonly spreads: readonly SpreadRow[];
  /** Now, whatever the window; without those that a batch holds back. */
  readonly live: readonly {
    readonly status: string;
    readonly n: number;
    readonly oldest_created: string;
    readonly oldest_updated: string;
  }[];
}

const ENDED = `ended AS (
  SELECT id, status, reason_code, attempt, created_at, ended_at FROM generations
  WHERE org_id = ?1 AND ended_at >= ?2 AND ended_at < ?3 ORDER BY ended_at DESC LIMIT ?4)`;

/** What each took. The cost is not known where any call has none. */
const EACH = `each AS (
  SELECT ended.*,
    (SELECT SUM(sandbox_ms) FROM attempts WHERE generation_id = ended.id) AS sandbox_ms,
    (SELECT SUM(cost_usd) FROM spend WHERE generation_id = ended.id) AS cost_usd,
    (SELECT COUNT(*) - COUNT(cost_usd) FROM spend WHERE generation_id = ended.id) AS unpriced
  FROM ended)`;

const TIMES =
  'ended JOIN step_times ON step_times.generation_id = ended.id, json_each(step_times.steps) AS step';
const msOf = (column: string) => `CAST(ROUND((julianday(${column}) - 2440587.5) * 86400000) AS INTEGER)`;

const QUESTIONS = {
  ends: `WITH ${ENDED} SELECT status, reason_code AS code, COUNT(*) AS n, MIN(ended_at) AS oldest FROM ended
    GROUP BY status, reason_code ORDER BY status, reason_code`,
  attempts: `WITH ${ENDED} SELECT attempt AS attempts, COUNT(*) AS n FROM ended WHERE status = 'signed'
    GROUP BY attempt ORDER BY attempt`,
  verdicts: `WITH ${ENDED} SELECT verdict, COUNT(*) AS n FROM ended JOIN attempts ON attempts.generation_id = ended.id
    WHERE status <> 'cancelled' AND verdict IS NOT NULL GROUP BY verdict`,
  totals: `WITH ${ENDED}, ${EACH} SELECT COALESCE(SUM(sandbox_ms), 0) AS sandbox_ms, COALESCE(SUM(cost_usd), 0) AS cost_usd,
    COALESCE(SUM(unpriced), 0) AS unpriced FROM each`,
  spreads: `WITH ${ENDED}, ${EACH}, measured (name, value, failed) AS (
      SELECT 'signed:sandbox', COALESCE(sandbox_ms, 0), 0 FROM each WHERE status = 'signed'
      UNION ALL SELECT 'signed:cost', COALESCE(cost_usd, 0), 0 FROM each WHERE status = 'signed' AND unpriced = 0
      UNION ALL SELECT 'signed:ms', ${msOf('ended_at')} - ${msOf('created_at')}, 0 FROM each WHERE status = 'signed'
      UNION ALL SELECT 'step:' || (step.value ->> 0), step.value ->> 1, (step.value ->> 2) - 1 FROM ${TIMES}
      UNION ALL SELECT 'queue', MAX(0, (step.value ->> 3) - ${msOf('created_at')}), 0 FROM ${TIMES}
        WHERE step.value ->> 0 = 'accept'),
    ranked AS (SELECT name, value, failed, ROW_NUMBER() OVER (PARTITION BY name ORDER BY value) AS rank,
      COUNT(*) OVER (PARTITION BY name) AS n FROM measured)
    SELECT name, n, SUM(value) AS sum, MAX(value) AS max, SUM(failed) AS retries,
      MAX(CASE WHEN rank = (n * 50 + 99) / 100 THEN value END) AS p50,
      MAX(CASE WHEN rank = (n * 95 + 99) / 100 THEN value END) AS p95
    FROM ranked GROUP BY name, n ORDER BY name`,
} as const;

const LIVE = `SELECT status, COUNT(*) AS n, MIN(created_at) AS oldest_created, MIN(updated_at) AS oldest_updated
  FROM generations WHERE org_id = ?1 AND ended_at IS NULL AND held = 0 GROUP BY status`;

export class MetricsStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** All of it in one round trip, and of one moment. */
  async of({ orgId, since, until, limit }: MetricsWindow): Promise<Measured> {
    const names = Object.keys(QUESTIONS) as (keyof typeof QUESTIONS)[];
    const asked = names.map((name) => this.#db.prepare(QUESTIONS[name]).bind(orgId, since, until, limit));
    const answers = await this.#db.batch<never>([...asked, this.#db.prepare(LIVE).bind(orgId)]);
    const rows = (at: number) => answers[at]?.results ?? [];
    const of = (name: keyof typeof QUESTIONS) => rows(names.indexOf(name));
    return {
      ends: of('ends'),
      attempts: of('attempts'),
      verdicts: of('verdicts'),
      totals: of('totals')[0] ?? { sandbox_ms: 0, cost_usd: 0, unpriced: 0 },
      spreads: of('spreads'),
      live: rows(names.length),
    };
  }
}
