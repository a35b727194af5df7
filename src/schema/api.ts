/** What the API takes and answers beside the request itself. */
import { z } from 'zod';
import { OUTCOMES } from '../../container/protocol.ts';
import { CASE_STATUSES, VERDICTS } from './report.ts';
import { CASE_KINDS, ENGINES } from './request.ts';
import { documentSchema } from './trust.ts';

/** SHA-256 of a stored object that is answered byte for byte, lower-case hex. */
export const DIGEST_HEADER = 'x-assay-sha256';

export const GENERATION_STATUSES = [
  'queued',
  'running',
  'signed',
  'failed',
  'rejected',
  'cancelled',
  'errored',
] as const;
export type GenerationStatus = (typeof GENERATION_STATUSES)[number];

export const EVENT_TYPES = [
  'queued',
  'started',
  'classified',
  'model_called',
  'replied',
  'inspected',
  'verified',
  'confirmed',
  'judged',
  'ended',
] as const;

export function hasEnded(status: GenerationStatus): boolean {
  return status !== 'queued' && status !== 'running';
}

export const reasonSchema = z.object({ code: z.string(), message: z.string() });

export const caseSummary = z.object({
  name: z.string(),
  kind: z.enum(CASE_KINDS),
  status: z.enum(CASE_STATUSES),
  outcome: z.enum(OUTCOMES),
  message: z.string().optional(),
  durationMs: z.number(),
});

export const attemptSchema = z.object({
  n: z.int(),
  verdict: z.enum(VERDICTS).nullable(),
  summary: z.string().nullable(),
  size: z.object({ captures: z.int(), checkLines: z.int() }).nullable(),
  casesPassed: z.int().nullable(),
  sandboxMs: z.number().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  cases: z.array(caseSummary),
});

export const generationSchema = z.object({
  id: z.string(),
  status: z.enum(GENERATION_STATUSES),
  reason: reasonSchema.nullable(),
  name: z.string().nullable(),
  prompt: z.string(),
  model: z.string(),
  /** `null` until it is decided, in the step `classify`; a retry has that of what it repeats. */
  engine: z.enum(ENGINES).nullable(),
  engineReason: z.string().nullable(),
  step: z.string(),
  attempt: z.int(),
  attemptsMax: z.int(),
  cases: z.object({ total: z.int(), passed: z.int() }),
  ruleId: z.string().nullable(),
  /** The generation this one is a retry of. */
  retryOf: z.string().nullable(),
  /** The attempt of `retryOf` that it goes on from. */
  fromAttempt: z.int().nullable(),
  batchId: z.string().nullable(),
  /** The rule whose files it verifies and signs again, without a model. */
  reverifies: z.string().nullable(),
  /** How often the step that is running was tried before. */
  stepRetries: z.int(),
  createdAt: z.string(),
  updatedAt: z.string(),
  endedAt: z.string().nullable(),
});

export const generationDetail = generationSchema.extend({
  /** Ids of its own retries, newest first. */
  retriedBy: z.array(z.string()),
  attempts: z.array(attemptSchema),
  spend: z.object({
    calls: z.int(),
    unanswered: z.int(),
    inputTokens: z.int(),
    outputTokens: z.int(),
    costUsd: z.number().nullable(),
  }),
});

export const generationEvent = z.object({
  seq: z.int(),
  type: z.enum(EVENT_TYPES),
  data: z.record(z.string(), z.unknown()),
  at: z.string(),
});

export const signedRule = z.object({
  id: z.string(),
  generationId: z.string(),
  name: z.string(),
  summary: z.string(),
  engine: z.enum(ENGINES),
  bundleSha256: z.string(),
  keyId: z.string(),
  /** The model asked; `null` where it was not recorded. */
  model: z.string().nullable(),
  /** Version of ast-grep it was verified with; `null` where it was not recorded. */
  engineVersion: z.string().nullable(),
  /** Version of Node its check was run with; `null` where it was not recorded. */
  nodeVersion: z.string().nullable(),
  publishedAt: z.string(),
});

export const generationPage = z.object({
  generations: z.array(generationSchema),
  nextCursor: z.string().nullable(),
});

export const eventPage = z.object({ events: z.array(generationEvent) });

export const rulePage = z.object({ rules: z.array(signedRule), nextCursor: z.string().nullable() });

/** A rule with every file of its directory, the bundle among them. */
export const signedRuleFiles = signedRule.extend({ files: z.record(z.string(), z.string()) });

/** What `GET /v1/rules/:id/sidecars/:format` knows; the other formats need no service. */
export const SIDECAR_FORMATS = ['minisign', 'signify', 'ssh'] as const;

/** Text files by name, for the bundle with this digest, and how their tool is asked. */
export const sidecarAnswer = z.object({
  format: z.enum(SIDECAR_FORMATS),
  bundleSha256: z.string(),
  keyId: z.string(),
  files: z.record(z.string(), z.string()),
  commands: z.array(z.string()),
});

export const errorBody = z.object({
  ok: z.literal(false),
  code: z.string(),
  message: z.string(),
  details: z.unknown().optional(),
});

export const keyList = z.object({
  keys: z.array(z.object({ keyId: z.string(), algorithm: z.literal('ed25519'), publicKeyPem: z.string() })),
  /** The newest of `roots`. */
  trustRoot: documentSchema.nullable(),
  roots: z.array(documentSchema),
  revocations: documentSchema.nullable(),
});

export type Generation = z.infer<typeof generationSchema>;
export type GenerationDetail = z.infer<typeof generationDetail>;
export type GenerationEvent = z.infer<typeof generationEvent>;
export type Attempt = z.infer<typeof attemptSchema>;
export type SidecarAnswer = z.infer<typeof sidecarAnswer>;
export type SignedRule = z.infer<typeof signedRule>;
