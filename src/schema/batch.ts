/** Batches, as the API takes and shows them: many generations under one id. */
import { z } from 'zod';
import { reasonSchema } from './api.ts';
import { callbackUrl } from './callback-url.ts';
import { requestSchema } from './request.ts';

export const MAX_ITEMS = 10_000;
export const DEFAULT_CONCURRENCY = 8;
export const MAX_CONCURRENCY = 100;

/** `regenerate` asks a model again; `reverify` runs the same rule again and signs the new evidence. */
export const BATCH_MODES = ['regenerate', 'reverify'] as const;
export const BATCH_STATUSES = ['running', 'paused', 'done', 'cancelled'] as const;
export const ITEM_STATUSES = [
  'waiting',
  'started',
  'signed',
  'failed',
  'rejected',
  'cancelled',
  'errored',
] as const;
/** What `retry-failed` begins again. */
export const FAILED_STATUSES = ['failed', 'rejected', 'errored'] as const;

export type BatchMode = (typeof BATCH_MODES)[number];
export type BatchStatus = (typeof BATCH_STATUSES)[number];
export type ItemStatus = (typeof ITEM_STATUSES)[number];

const MINUTES_OF_HOUR = 60;
const exact = z.string().min(1).max(200);
const moment = z.iso.datetime({ offset: true });
const idList = (prefix: 'gen' | 'rule') =>
  z
    .array(z.string().regex(new RegExp(`^${prefix}-[0-9a-z]{26}$`), `must be an id, ${prefix}-…`))
    .min(1)
    .max(MAX_ITEMS)
    .refine((ids) => new Set(ids).size === ids.length, 'an id is listed twice');

/** Which signed rules; every field given must hold. Rules that a newer one was made of are left out. */
export const batchFilter = z.strictObject({
  signedBefore: moment.optional(),
  /** Version of ast-grep it was verified with. */
  astGrep: exact.optional(),
  /** Version of Node it was verified with. */
  node: exact.optional(),
  keyId: exact.optional(),
  model: exact.optional(),
  name: exact.optional(),
});
export type BatchFilter = z.output<typeof batchFilter>;

const timeOfDay = z.string().regex(/^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time of day, HH:MM');

/** When items may be begun. What is under way runs to its end. All UTC. */
export const batchWindow = z
  .strictObject({
    notBefore: moment.optional(),
    dailyFrom: timeOfDay.optional(),
    /** Earlier than `dailyFrom`: the window goes over midnight. */
    dailyTo: timeOfDay.optional(),
  })
  .refine(
    ({ dailyFrom, dailyTo }) => (dailyFrom === undefined) === (dailyTo === undefined),
    'dailyFrom and dailyTo belong together',
  )
  .refine(
    ({ dailyFrom, dailyTo }) => dailyFrom === undefined || dailyFrom !== dailyTo,
    'dailyFrom and dailyTo are the same, so the window is never open',
  );

const SOURCES = ['generations', 'rules', 'filter', 'requests'] as const;
/** What only a mode that asks a model can use. */
const MODEL_OPTIONS = ['model', 'costUsdMax', 'economy', 'requests'] as const;

export const newBatchSchema = z
  .strictObject({
    mode: z.enum(BATCH_MODES),
    generations: idList('gen').optional(),
    rules: idList('rule').optional(),
    filter: batchFilter.optional(),
    requests: z.array(requestSchema).min(1).max(MAX_ITEMS).optional(),
    /** A label for people. */
    name: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must be printable text')
      .optional(),
    /** Most generations under way at once. */
    concurrency: z.int().min(1).max(MAX_CONCURRENCY).optional(),
    /** No item is begun when what was spent, with what is reserved for those under way, reaches this. */
    costUsdMax: z.number().positive().max(1_000_000).optional(),
    window: batchWindow.optional(),
    /** First attempts by the Message Batches API: cheaper and later. */
    economy: z.boolean().optional(),
    /** One of the models the deployment allows; absent: that of what is repeated. */
    model: exact.optional(),
    /** Where the end of the batch is told. */
    callbackUrl: callbackUrl.optional(),
  })
  .superRefine((batch, context) => {
    const fail = (message: string) => context.addIssue({ code: 'custom', message });
    const given = SOURCES.filter((source) => batch[source] !== undefined);
    if (given.length !== 1) fail(`give exactly one of ${SOURCES.join(', ')}`);
    if (batch.mode === 'regenerate') return;
    for (const option of MODEL_OPTIONS) {
      if (batch[option] !== undefined) fail(`${option} means nothing for reverify: no model is asked`);
    }
  });
export type NewBatch = z.output<typeof newBatchSchema>;

export const resumeSchema = z.strictObject({
  /** A new spending cap. */
  costUsdMax: z.number().positive().max(1_000_000).optional(),
});

export const batchSchema = z.object({
  id: z.string(),
  mode: z.enum(BATCH_MODES),
  status: z.enum(BATCH_STATUSES),
  reason: reasonSchema.nullable(),
  name: z.string().nullable(),
  model: z.string().nullable(),
  items: z.int(),
  concurrency: z.int(),
  costUsdMax: z.number().nullable(),
  window: z
    .object({
      notBefore: z.string().nullable(),
      dailyFrom: z.string().nullable(),
      dailyTo: z.string().nullable(),
    })
    .nullable(),
  /** Until when nothing is begun because the window is shut. */
  shutUntil: z.string().nullable(),
  economy: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
  endedAt: z.string().nullable(),
});

export const batchDetail = batchSchema.extend({
  progress: z.object({
    waiting: z.int(),
    /** Begun and not ended. */
    underWay: z.int(),
    /** Of those under way: the provider was asked for their first turn and has not answered (economy mode). */
    asked: z.int(),
    signed: z.int(),
    failed: z.int(),
    rejected: z.int(),
    cancelled: z.int(),
    errored: z.int(),
  }),
  spend: z.object({
    /** `null` when any call has no known cost. */
    costUsd: z.number().nullable(),
  }),
  /** When it ends if it goes on as lately; `null` when it does not go on, or too little has ended to tell. */
  eta: z.string().nullable(),
});

export const batchItem = z.object({
  position: z.int(),
  status: z.enum(ITEM_STATUSES),
  reason: reasonSchema.nullable(),
  /** What it repeats. */
  sourceGeneration: z.string().nullable(),
  sourceRule: z.string().nullable(),
  /** 1, and one more with every retry. */
  round: z.int(),
  /** Of this round; `null` until it is begun. */
  generationId: z.string().nullable(),
  lastGenerationId: z.string().nullable(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

export const batchPage = z.object({ batches: z.array(batchSchema), nextCursor: z.string().nullable() });
export const itemPage = z.object({ items: z.array(batchItem), nextCursor: z.string().nullable() });

export type Batch = z.infer<typeof batchSchema>;
export type BatchDetail = z.infer<typeof batchDetail>;
export type BatchItem = z.infer<typeof batchItem>;

/** Minutes since midnight, there and back. */
export function minuteOfDay(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * MINUTES_OF_HOUR + minutes;
}

export function timeOfMinute(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / MINUTES_OF_HOUR))}:${two(minute % MINUTES_OF_HOUR)}`;
}
