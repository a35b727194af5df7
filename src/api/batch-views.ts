/** Rows of batches to what the API shows. Pure. */
import { type Batch, type BatchDetail, type BatchItem, timeOfMinute } from '../schema/batch.ts';
import type { ItemRow, Pace, Tally } from '../store/batch-items.ts';
import type { BatchRow } from '../store/batches.ts';

export function toBatch(row: BatchRow): Batch {
  return {
    id: row.id,
    mode: row.mode,
    status: row.status,
    reason: reasonOf(row),
    name: row.name,
    model: row.model,
    items: row.items,
    concurrency: row.concurrency,
    costUsdMax: row.cost_usd_max,
    window: windowOf(row),
    shutUntil: row.shut_until,
    economy: row.economy === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    endedAt: row.ended_at,
  };
}

function reasonOf({
  reason_code: code,
  reason_message: message,
}: Pick<BatchRow, 'reason_code' | 'reason_message'>) {
  return code === null ? null : { code, message: message ?? '' };
}

function windowOf({ not_before: notBefore, daily_from: from, daily_to: to }: BatchRow): Batch['window'] {
  if (notBefore === null && from === null) return null;
  return {
    notBefore,
    dailyFrom: from === null ? null : timeOfMinute(from),
    dailyTo: to === null ? null : timeOfMinute(to),
  };
}

export function toBatchDetail(row: BatchRow, tally: Tally, pace: Pace, nowMs: number): BatchDetail {
  const { waiting, started: underWay, signed, failed, rejected, cancelled, errored } = tally.byStatus;
  const left = waiting + underWay;
  return {
    ...toBatch(row),
    progress: { waiting, underWay, asked: tally.asked, signed, failed, rejected, cancelled, errored },
    spend: { costUsd: tally.unpricedCalls > 0 ? null : tally.costUsd },
    eta: row.status === 'running' && left > 0 ? etaOf(pace, left, nowMs) : null,
  };
}

/** As many ends in as much time as lately. */
function etaOf({ ends, first, last }: Pace, left: number, nowMs: number): string | null {
  if (ends < 2 || first === null || last === null) return null;
  const eachMs = (Date.parse(last) - Date.parse(first)) / (ends - 1);
  return new Date(nowMs + eachMs * left).toISOString();
}

export function toBatchItem(row: ItemRow): BatchItem {
  return {
    position: row.position,
    status: row.status,
    reason: reasonOf(row),
    sourceGeneration: row.source_generation,
    sourceRule: row.source_rule,
    round: row.round,
    generationId: row.generation_id,
    lastGenerationId: row.last_generation_id,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
