/** What an attempt means: delivered, given up, or when to try again. Pure. */
import type { DeliveryProblem, DeliveryStatus } from '../schema/webhooks.ts';

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;

/** Waits after the first attempt, the second and so on: the schedule that Standard Webhooks gives, 75 h in all. */
export const RETRY_DELAYS_MS: readonly number[] = [
  ...[5 * S, 5 * MIN, 30 * MIN],
  ...[2 * H, 5 * H, 10 * H, 14 * H, 20 * H, 24 * H],
];

/** A receiver may ask for more time than the schedule gives it, but not for ever. */
const MAX_RETRY_AFTER_MS = 24 * H;
/** At most this part of a delay more, so that receivers that failed together are not asked together. */
const JITTER = 0.1;

const GONE = 410;
/** The one form that may be sent; the platform's own parser takes nearly anything for a date. */
const HTTP_DATE = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

/** What came of one attempt. */
export interface Tried {
  /** HTTP status, when there was an answer. */
  readonly status: number | null;
  readonly problem: DeliveryProblem | null;
  /** How long the receiver asked to be left alone. */
  readonly retryAfterMs: number | null;
  readonly durationMs: number;
}

export type Next =
  | { readonly status: 'pending'; readonly delayMs: number }
  | { readonly status: Exclude<DeliveryStatus, 'pending'> };

/**
 * @param n which attempt it was, from 1
 * @param random in [0, 1)
 */
export function nextOf(tried: Tried, n: number, delaysMs: readonly number[], random: number): Next {
  const { status, problem, retryAfterMs } = tried;
  if (status !== null && status >= 200 && status < 300) return { status: 'delivered' };
  if (status === GONE) return { status: 'gone' };
  if (problem === 'REFUSED') return { status: 'refused' };
  const delayMs = delaysMs[n - 1];
  if (delayMs === undefined) return { status: 'failed' };
  const spread = Math.round(delayMs * (1 + JITTER * random));
  return { status: 'pending', delayMs: Math.max(spread, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)) };
}

/** `Retry-After` in either of its forms; `null` when it says nothing that can be used. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * S;
  const at = HTTP_DATE.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
