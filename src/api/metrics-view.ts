/** Measured rows to what the API shows. Pure. */
import { GENERATION_STATUSES } from '../schema/api.ts';
import type { Metrics } from '../schema/metrics.ts';
import type { Measured, MetricsWindow, SpreadRow } from '../store/metrics.ts';

const STEP = 'step:';

/** @param nowMs for the ages of what is live */
export function toMetrics(
  measured: Measured,
  { since, until, limit }: Pick<MetricsWindow, 'since' | 'until' | 'limit'>,
  nowMs: number,
): Metrics {
  const { ends, attempts, totals, spreads } = measured;
  const ended = sum(ends.map((one) => one.n));
  const signed = countOf(ends, 'signed');
  const perRule = (total: number) => (signed === 0 ? null : total / signed);
  const named = (name: string, scale = 1) =>
    toSpread(
      spreads.find((one) => one.name === name),
      scale,
    );
  return {
    since,
    until,
    generations: {
      ended,
      signed,
      truncated: ended === limit,
      measuredSince: ends.map((one) => one.oldest).sort()[0] ?? null,
    },
    ends: ends.map(({ status, code, n }) => ({ status: statusOf(status), code, count: n })),
    live: liveOf(measured, nowMs),
    queueMs: named('queue'),
    signedAfterMs: named('signed:ms'),
    attemptsToPass: attempts.map((one) => ({ attempts: one.attempts, count: one.n })),
    sandbox: {
      totalSeconds: totals.sandbox_ms / 1_000,
      perSignedRuleSeconds: perRule(totals.sandbox_ms / 1_000),
      ofSignedSeconds: named('signed:sandbox', 1 / 1_000),
    },
    cost: {
      totalUsd: totals.cost_usd,
      unpricedCalls: totals.unpriced,
      perSignedRuleUsd: totals.unpriced > 0 ? null : perRule(totals.cost_usd),
      ofSignedUsd: named('signed:cost'),
    },
    inconclusive: inconclusiveOf(measured, ended),
    steps: stepsOf(measured),
  };
}

function stepsOf({ spreads }: Measured): Metrics['steps'] {
  return spreads
    .filter((one) => one.name.startsWith(STEP))
    .map(({ name, n, p50, p95, max, retries }) => {
      const step = name.slice(STEP.length);
      return { step, count: n, p50Ms: p50, p95Ms: p95, maxMs: max, retries };
    });
}

function inconclusiveOf({ ends, verdicts }: Measured, ended: number): Metrics['inconclusive'] {
  const errored = countOf(ends, 'errored');
  const counted = ended - countOf(ends, 'cancelled');
  const of = (verdict: string) => verdicts.find((one) => one.verdict === verdict)?.n ?? 0;
  const attempts = {
    accepted: of('accepted'),
    rejected: of('rejected'),
    inconclusive: of('inconclusive'),
  };
  return { rate: counted === 0 ? null : errored / counted, errored, attempts };
}

function liveOf({ live }: Measured, nowMs: number): Metrics['live'] {
  const row = (status: string) => live.find((one) => one.status === status);
  const age = (at: string | undefined) => (at === undefined ? null : Math.max(0, nowMs - Date.parse(at)));
  return {
    queued: row('queued')?.n ?? 0,
    running: row('running')?.n ?? 0,
    oldestQueuedMs: age(row('queued')?.oldest_created),
    oldestSilentMs: age(live.map((one) => one.oldest_updated).sort()[0]),
  };
}

function toSpread(row: SpreadRow | undefined, scale: number): Metrics['queueMs'] {
  if (row === undefined) return null;
  const { n, sum: total, p50, p95, max } = row;
  return { count: n, mean: (total / n) * scale, p50: p50 * scale, p95: p95 * scale, max: max * scale };
}

function countOf(ends: Measured['ends'], status: string): number {
  return sum(ends.filter((one) => one.status === status).map((one) => one.n));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The table's own constraint says that it is one of these. */
function statusOf(text: string): Metrics['ends'][number]['status'] {
  return GENERATION_STATUSES.find((one) => one === text) ?? 'errored';
}
