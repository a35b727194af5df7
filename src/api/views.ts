/** Rows to what the API shows. Pure. */
import type { Attempt, Generation, GenerationDetail, SignedRule } from '../schema/api.ts';
import type { AttemptRow, CaseRow } from '../store/attempts.ts';
import type { GenerationRow } from '../store/generations.ts';
import type { RuleRow } from '../store/rules.ts';
import type { SpendTotals } from '../store/spend.ts';

export function toGeneration(row: GenerationRow): Generation {
  return {
    id: row.id,
    status: row.status,
    reason: row.reason_code === null ? null : { code: row.reason_code, message: row.reason_message ?? '' },
    name: row.name,
    prompt: row.prompt_excerpt,
    model: row.model,
    engine: row.engine,
    engineReason: row.engine_reason,
    step: row.step,
    attempt: row.attempt,
    attemptsMax: row.attempts_max,
    cases: { total: row.cases_total, passed: row.cases_passed },
    ruleId: row.rule_id,
    retryOf: row.retry_of,
    fromAttempt: row.from_attempt,
    batchId: row.batch_id,
    reverifies: row.reverifies,
    stepRetries: row.step_retries,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    endedAt: row.ended_at,
  };
}

export function toDetail(
  row: GenerationRow,
  attempts: readonly AttemptRow[],
  cases: readonly CaseRow[],
  spend: SpendTotals,
  retriedBy: readonly string[],
): GenerationDetail {
  return {
    ...toGeneration(row),
    retriedBy: [...retriedBy],
    attempts: attempts.map((attempt) => toAttempt(attempt, cases)),
    spend: { ...spend },
  };
}

function toAttempt(row: AttemptRow, cases: readonly CaseRow[]): Attempt {
  const size =
    row.captures === null || row.check_lines === null
      ? null
      : { captures: row.captures, checkLines: row.check_lines };
  return {
    n: row.n,
    verdict: row.verdict,
    summary: row.summary,
    size,
    casesPassed: row.cases_passed,
    sandboxMs: row.sandbox_ms,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    cases: cases.filter((one) => one.attempt === row.n).map(toCaseSummary),
  };
}

function toCaseSummary(row: CaseRow): Attempt['cases'][number] {
  return {
    name: row.name,
    kind: row.kind,
    status: row.status,
    outcome: row.outcome,
    ...(row.message === null ? {} : { message: row.message }),
    durationMs: row.duration_ms,
  } as Attempt['cases'][number];
}

export function toSignedRule(row: RuleRow): SignedRule {
  return {
    id: row.id,
    generationId: row.generation_id,
    name: row.name,
    summary: row.summary,
    engine: row.engine,
    bundleSha256: row.bundle_sha256,
    keyId: row.key_id,
    model: row.model,
    engineVersion: row.engine_version,
    nodeVersion: row.node_version,
    publishedAt: row.published_at,
  };
}
