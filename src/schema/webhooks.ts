/** Webhooks as the API shows them: signing secrets, deliveries and their attempts, and the body that is sent. */
import { z } from 'zod';
import { GENERATION_STATUSES } from './api.ts';
import { BATCH_MODES, BATCH_STATUSES } from './batch.ts';

/** Of a rotation: the old secret and the new one. */
export const MAX_ACTIVE_SECRETS = 2;

/**
 * `pending`: due now or later. `delivered`: answered 2xx. `failed`: no attempt is left. `gone`: answered 410.
 * `refused`: this deployment does not send there.
 */
export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed', 'gone', 'refused'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Why an attempt got no answer. */
export const DELIVERY_PROBLEMS = [
  'TIMEOUT',
  'UNREACHABLE',
  'REFUSED',
  'NO_SECRET',
  'NOT_CONFIGURED',
] as const;
export type DeliveryProblem = (typeof DELIVERY_PROBLEMS)[number];

export const SUBJECT_KINDS = ['generation', 'batch'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

export const webhookSecretSchema = z.object({
  id: z.string(),
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
});

export const createdWebhookSecret = webhookSecretSchema.extend({
  /** `whsec_` and base64. Shown this once. */
  secret: z.string(),
});

export const webhookSecretPage = z.object({
  secrets: z.array(webhookSecretSchema),
  nextCursor: z.string().nullable(),
});

export const deliverySchema = z.object({
  /** Also the header `webhook-id` of every attempt. */
  id: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  event: z.string(),
  subject: z.object({ kind: z.enum(SUBJECT_KINDS), id: z.string() }),
  url: z.string(),
  /** Grows each time somebody asks to deliver again. */
  round: z.int(),
  createdAt: z.string(),
  /** When the next attempt is due; `null` when none is. */
  nextAttemptAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

export const deliveryAttempt = z.object({
  round: z.int(),
  n: z.int(),
  startedAt: z.string(),
  /** `null` while it runs, or when it was interrupted. */
  durationMs: z.number().nullable(),
  /** HTTP status; `null` without an answer. */
  status: z.int().nullable(),
  problem: z.enum(DELIVERY_PROBLEMS).nullable(),
});

export const deliveryDetail = deliverySchema.extend({
  /** The text that is sent, the same in every attempt. */
  body: z.string(),
  attempts: z.array(deliveryAttempt),
});

export const deliveryPage = z.object({
  deliveries: z.array(deliverySchema),
  nextCursor: z.string().nullable(),
});

/** Body of `generation.<status>`. New fields may come; a receiver must not refuse them. */
export const generationEnded = z.object({
  type: z.enum(['generation.signed', 'generation.failed', 'generation.errored', 'generation.cancelled']),
  /** When it ended. */
  timestamp: z.string(),
  data: z.object({
    generationId: z.string(),
    status: z.enum(GENERATION_STATUSES),
    reason: z.object({ code: z.string() }),
    name: z.string().nullable(),
    ruleId: z.string().nullable(),
    bundleSha256: z.string().nullable(),
    retryOf: z.string().nullable(),
    batchId: z.string().nullable(),
  }),
});

/** Body of `batch.ended`: it is done, or it was cancelled. */
export const batchEnded = z.object({
  type: z.literal('batch.ended'),
  timestamp: z.string(),
  data: z.object({
    batchId: z.string(),
    status: z.enum(BATCH_STATUSES),
    reason: z.object({ code: z.string() }),
    name: z.string().nullable(),
    mode: z.enum(BATCH_MODES),
    items: z.object({
      signed: z.int(),
      failed: z.int(),
      errored: z.int(),
      cancelled: z.int(),
      /** Of a cancelled batch: still to be ended. */
      underWay: z.int(),
    }),
  }),
});

export type WebhookSecret = z.infer<typeof webhookSecretSchema>;
export type Delivery = z.infer<typeof deliverySchema>;
export type DeliveryDetail = z.infer<typeof deliveryDetail>;
export type GenerationEnded = z.infer<typeof generationEnded>;
