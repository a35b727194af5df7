/** `assay metrics`: what the organisation's generations took, as a page for people or as JSON. */
import type { Metrics } from '../../src/schema/metrics.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { counted, plain, print, printJson } from '../output.ts';

export interface MetricsOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly since?: string;
  readonly until?: string;
}

const UNKNOWN = 'not known';

export async function metrics(options: MetricsOptions): Promise<ExitCode> {
  const { since, until } = options;
  const answer = await new ApiClient(findConnection(options)).metrics({ since, until });
  if (options.json === true) printJson(answer);
  else for (const line of describe(answer)) print(line);
  return EXIT.ok;
}

function describe(answer: Metrics): string[] {
  const { generations, live, sandbox, cost, inconclusive } = answer;
  const cut = generations.truncated ? `, the newest only, from ${generations.measuredSince} on` : '';
  return [
    `${answer.since} to ${answer.until}: ${counted(generations.ended, 'generation')} ended, ${generations.signed} signed${cut}`,
    ...answer.ends.map((one) => `  ${one.count}  ${one.status} ${plain(one.code ?? '')}`),
    `live now: ${live.queued} queued (oldest ${duration(live.oldestQueuedMs)}), ${live.running} running (longest silent ${duration(live.oldestSilentMs)})`,
    `inconclusive: ${inconclusive.rate === null ? UNKNOWN : `${(inconclusive.rate * 100).toFixed(1)} %`}`,
    `attempts to pass: ${answer.attemptsToPass.map((one) => `${one.count} after ${one.attempts}`).join(', ') || UNKNOWN}`,
    `sandbox: ${sandbox.totalSeconds.toFixed(1)} s, ${perRule(sandbox.perSignedRuleSeconds, (value) => `${value.toFixed(1)} s`)}`,
    `cost: ${cost.totalUsd.toFixed(4)} USD, ${perRule(cost.perSignedRuleUsd, (value) => `${value.toFixed(4)} USD`)}${cost.unpricedCalls === 0 ? '' : `; ${counted(cost.unpricedCalls, 'call')} without a known cost`}`,
    `until its first step ${spread(answer.queueMs)}; until signed ${spread(answer.signedAfterMs)}`,
    ...answer.steps.map(
      (one) =>
        `  ${plain(one.step).padEnd(9)} p50 ${duration(one.p50Ms)}, p95 ${duration(one.p95Ms)}, ${counted(one.count, 'run')}${one.retries === 0 ? '' : `, ${one.retries} failed before`}`,
    ),
  ];
}

function perRule(value: number | null, show: (value: number) => string): string {
  return `${value === null ? UNKNOWN : show(value)} per signed rule`;
}

function spread(values: Metrics['queueMs']): string {
  return values === null ? UNKNOWN : `p50 ${duration(values.p50)}, p95 ${duration(values.p95)}`;
}

function duration(ms: number | null): string {
  if (ms === null) return '-';
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
