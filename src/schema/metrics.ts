/** What `GET /v1/metrics` answers. Units are in the names; a spread without values is `null`. */
import { z } from 'zod';
import { GENERATION_STATUSES } from './api.ts';

/** Nearest-rank percentiles: each is a value that was measured. */
const spread = (unit: string) =>
  z
    .object({ count: z.int(), mean: z.number(), p50: z.number(), p95: z.number(), max: z.number() })
    .nullable()
    .describe(unit);

export const metricsSchema = z.object({
  since: z.string(),
  until: z.string(),
  generations: z.object({
    /** Ended in the window and measured. */
    ended: z.int(),
    signed: z.int(),
    /** More ended in the window than are measured; the newest are. */
    truncated: z.boolean(),
    /** The oldest end that is measured. */
    measuredSince: z.string().nullable(),
  }),
  ends: z.array(
    z.object({ status: z.enum(GENERATION_STATUSES), code: z.string().nullable(), count: z.int() }),
  ),
  /** Now, whatever the window. Ages are since it was made, and since it last moved. */
  live: z.object({
    queued: z.int(),
    running: z.int(),
    oldestQueuedMs: z.int().nullable(),
    oldestSilentMs: z.int().nullable(),
  }),
  /** From when a generation was made until its first step began. */
  queueMs: spread('milliseconds'),
  /** From when a generation was made until its rule was signed. */
  signedAfterMs: spread('milliseconds'),
  /** Of signed generations: how many needed so many attempts. */
  attemptsToPass: z.array(z.object({ attempts: z.int(), count: z.int() })),
  sandbox: z.object({
    /** Of all that ended, those without a rule included. */
    totalSeconds: z.number(),
    perSignedRuleSeconds: z.number().nullable(),
    ofSignedSeconds: spread('seconds a signed generation took itself'),
  }),
  cost: z.object({
    /** Of answered calls with a known price, of all that ended. */
    totalUsd: z.number(),
    /** Calls without a known price, and calls without an answer. */
    unpricedCalls: z.int(),
    perSignedRuleUsd: z.number().nullable(),
    ofSignedUsd: spread('USD a signed generation cost itself, where all of its calls have a price'),
  }),
  inconclusive: z.object({
    /** Of generations that ended and were not cancelled: the share that our side failed. */
    rate: z.number().nullable(),
    errored: z.int(),
    /** Of their attempts. */
    attempts: z.object({ accepted: z.int(), rejected: z.int(), inconclusive: z.int() }),
  }),
  steps: z.array(
    z.object({
      step: z.string(),
      count: z.int(),
      p50Ms: z.number(),
      p95Ms: z.number(),
      maxMs: z.number(),
      /** Runs that failed before the one whose time counts. */
      retries: z.int(),
    }),
  ),
});

export type Metrics = z.infer<typeof metricsSchema>;
