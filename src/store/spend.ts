/** The spend ledger: one row per model call, reserved before it and settled after. */
import { type Question, question } from './ask.ts';
import type { Change } from './changed.ts';

/** What a finished model call is settled with. */
export interface SettledCall {
  readonly model: string;
  readonly requestId: string | null;
  readonly stopReason: string;
  readonly usage: {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly cacheWriteTokens: number;
    readonly cacheReadTokens: number;
  };
  readonly costUsd: number | null;
  readonly durationMs: number;
}

export interface SpendTotals {
  /** Calls with an answer. */
  readonly calls: number;
  /** Calls that were begun and never answered; whether they were charged is not known. */
  readonly unanswered: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** `null` when any call has no known cost. */
  readonly costUsd: number | null;
}

export class SpendStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Returns the number of the call within its attempt; a step that runs again reserves a new one. */
  async reserve(
    orgId: string,
    generationId: string,
    attempt: number,
    model: string,
    at: string,
  ): Promise<number> {
    const row = await this.#db
      .prepare(
        `INSERT INTO spend (generation_id, attempt, call, org_id, model, reserved_at)
         SELECT ?1, ?2, COALESCE(MAX(call), 0) + 1, ?3, ?4, ?5 FROM spend WHERE generation_id = ?1 AND attempt = ?2
         RETURNING call`,
      )
      .bind(generationId, attempt, orgId, model, at)
      .first<{ call: number }>();
    return row?.call ?? 1;
  }

  settling(generationId: string, attempt: number, call: number, answer: SettledCall, at: string): Change {
    return this.#db
      .prepare(
        `UPDATE spend SET model = ?4, request_id = ?5, stop_reason = ?6, input_tokens = ?7, output_tokens = ?8,
           cache_write_tokens = ?9, cache_read_tokens = ?10, cost_usd = ?11, duration_ms = ?12, settled_at = ?13
         WHERE generation_id = ?1 AND attempt = ?2 AND call = ?3`,
      )
      .bind(
        generationId,
        attempt,
        call,
        answer.model,
        answer.requestId,
        answer.stopReason,
        answer.usage.inputTokens,
        answer.usage.outputTokens,
        answer.usage.cacheWriteTokens,
        answer.usage.cacheReadTokens,
        answer.costUsd,
        answer.durationMs,
        at,
      );
  }

  /**
   * Many calls of attempt 1 at once, each the first; for those that were reserved together. An item of a batch
   * that has ended meanwhile takes its cost here, once; one that has not takes it with its end.
   */
  async settleFirst(
    orgId: string,
    calls: readonly { readonly generationId: string; readonly answer: SettledCall }[],
    at: string,
  ): Promise<void> {
    const rows = calls.map(({ generationId, answer }) => ({ generationId, ...answer, ...answer.usage }));
    const late = this.#db
      .prepare(
        `UPDATE batch_items SET cost_usd = batch_items.cost_usd + COALESCE(one.value ->> 'costUsd', 0),
           unpriced_calls = batch_items.unpriced_calls + (one.value ->> 'costUsd' IS NULL)
         FROM json_each(?1) AS one JOIN spend s ON s.generation_id = one.value ->> 'generationId'
         WHERE s.attempt = 1 AND s.call = 1 AND s.settled_at IS NULL AND s.org_id = ?2
           AND batch_items.generation_id = s.generation_id AND batch_items.status NOT IN ('waiting', 'started')`,
      )
      .bind(JSON.stringify(rows), orgId);
    const settle = this.#db
      .prepare(
        `UPDATE spend SET model = one.value ->> 'model', request_id = one.value ->> 'requestId',
           stop_reason = one.value ->> 'stopReason', input_tokens = one.value ->> 'inputTokens',
           output_tokens = one.value ->> 'outputTokens', cache_write_tokens = one.value ->> 'cacheWriteTokens',
           cache_read_tokens = one.value ->> 'cacheReadTokens', cost_usd = one.value ->> 'costUsd',
           duration_ms = one.value ->> 'durationMs', settled_at = ?2
         FROM json_each(?1) AS one
         WHERE generation_id = one.value ->> 'generationId' AND attempt = 1 AND call = 1 AND org_id = ?3`,
      )
      .bind(JSON.stringify(rows), at, orgId);
    await this.#db.batch([late, settle]);
  }

  /** A call that was in a provider batch and not made there is none: it cost nothing, and another one follows. */
  totals(orgId: string, generationId: string): Question<SpendTotals> {
    const statement = this.#db
      .prepare(
        `SELECT COUNT(settled_at) AS calls, COUNT(*) - COUNT(settled_at) AS unanswered, COALESCE(SUM(input_tokens + cache_write_tokens + cache_read_tokens), 0) AS input_tokens,
           COALESCE(SUM(output_tokens), 0) AS output_tokens, SUM(cost_usd) AS cost_usd, COUNT(cost_usd) AS priced
         FROM spend WHERE generation_id = ?1 AND org_id = ?2 AND COALESCE(stop_reason, '') NOT GLOB 'batch_*'`,
      )
      .bind(generationId, orgId);
    return question(statement, ([row]: TotalsRow[]) => toTotals(row));
  }
}

interface TotalsRow {
  readonly calls: number;
  readonly unanswered: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: number | null;
  readonly priced: number;
}

function toTotals(row: TotalsRow | undefined): SpendTotals {
  if (row === undefined) return { calls: 0, unanswered: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
  return {
    calls: row.calls,
    unanswered: row.unanswered,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    costUsd: row.priced === row.calls ? (row.cost_usd ?? 0) : null,
  };
}
