/**
 * The same metrics as OpenMetrics text, for scrapers. All are gauges: they are of a window that moves, so none
 * only ever grows. Pure.
 */
import type { Metrics } from '../schema/metrics.ts';

export const OPEN_METRICS_TYPE = 'application/openmetrics-text';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | null];

export function openMetrics(metrics: Metrics): string {
  const { generations, live, sandbox, cost, inconclusive } = metrics;
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1_000);
  return [
    family('assay_generations_ended', 'Generations that ended in the window.', [
      ...metrics.ends.map(({ status, code, count }): Sample => [{ status, code: code ?? '' }, count]),
    ]),
    family('assay_generations_truncated', 'Whether the window held more than are measured.', [
      [{}, generations.truncated ? 1 : 0],
    ]),
    family('assay_generations_live', 'Generations that have not ended, now.', [
      [{ status: 'queued' }, live.queued],
      [{ status: 'running' }, live.running],
    ]),
    family('assay_oldest_queued_seconds', 'Age of the oldest queued generation, now; 0 without one.', [
      [{}, seconds(live.oldestQueuedMs) ?? 0],
    ]),
    family(
      'assay_oldest_silent_seconds',
      'How long the live generation that moved last did not; 0 without one.',
      [[{}, seconds(live.oldestSilentMs) ?? 0]],
    ),
    family('assay_queue_seconds', 'From made to first step.', spread(metrics.queueMs, 1 / 1_000)),
    family('assay_signed_after_seconds', 'From made to signed.', spread(metrics.signedAfterMs, 1 / 1_000)),
    family('assay_step_seconds', 'Duration of steps.', [
      ...metrics.steps.flatMap(({ step, p50Ms, p95Ms }): Sample[] => [
        [{ step, quantile: '0.5' }, p50Ms / 1_000],
        [{ step, quantile: '0.95' }, p95Ms / 1_000],
      ]),
    ]),
    family(
      'assay_step_runs',
      'Steps that have a result.',
      metrics.steps.map(({ step, count }) => [{ step }, count]),
    ),
    family('assay_step_retries', 'Runs of steps that failed before.', [
      ...metrics.steps.map(({ step, retries }): Sample => [{ step }, retries]),
    ]),
    family('assay_attempts_to_pass', 'Signed generations by number of attempts.', [
      ...metrics.attemptsToPass.map(({ attempts, count }): Sample => [{ attempts: String(attempts) }, count]),
    ]),
    family('assay_sandbox_seconds', 'Active sandbox seconds of all that ended.', [
      [{}, sandbox.totalSeconds],
    ]),
    family('assay_sandbox_seconds_per_signed_rule', 'The same for each signed rule.', [
      [{}, sandbox.perSignedRuleSeconds],
    ]),
    family('assay_cost_usd', 'Cost of all that ended, where it is known.', [[{}, cost.totalUsd]]),
    family('assay_cost_usd_per_signed_rule', 'The same for each signed rule.', [[{}, cost.perSignedRuleUsd]]),
    family('assay_unpriced_calls', 'Model calls without a known price or an answer.', [
      [{}, cost.unpricedCalls],
    ]),
    family('assay_inconclusive_ratio', 'Share of generations that our side failed.', [
      [{}, inconclusive.rate],
    ]),
    family('assay_attempts', 'Attempts by verdict.', [
      ...Object.entries(inconclusive.attempts).map(([verdict, count]): Sample => [{ verdict }, count]),
    ]),
    '# EOF\n',
  ].join('');
}

function spread(values: Metrics['queueMs'], scale: number): Sample[] {
  if (values === null) return [];
  return [
    [{ quantile: '0.5' }, values.p50 * scale],
    [{ quantile: '0.95' }, values.p95 * scale],
  ];
}

/** What is not known has no sample. */
function family(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.flatMap(([labels, value]) =>
    value === null ? [] : [`${name}${text(labels)} ${value}\n`],
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function text(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${quoted(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function quoted(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
