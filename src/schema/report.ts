/**
 * Reports: the host's answer, re-validated as untrusted data, and what we decide from it.
 * The parsed types must equal the wire types of `container/protocol.ts`; the compiler checks it below.
 */
import { z } from 'zod';
import type * as wire from '../../container/protocol.ts';
import { ISOLATION_FLAGS, OUTCOMES, PROTOCOL_VERSION } from '../../container/protocol.ts';
import { relativePath } from './path.ts';
import { CASE_KINDS, SEVERITIES } from './request.ts';

const text = (max: number) => z.string().max(max);

const matchSchema = z.object({
  rule: text(200),
  ruleId: text(200),
  file: text(600),
  line: z.int().min(1),
  column: z.int().min(1),
  text: text(64 * 1024),
  captures: z.record(z.string(), text(64 * 1024)),
});

export const findingSchema = z.object({
  file: relativePath,
  message: z.string().min(1).max(4_000),
  line: z.int().min(1).optional(),
  column: z.int().min(1).optional(),
  severity: z.enum(SEVERITIES).optional(),
});

const checkErrorSchema = z.object({
  name: text(200),
  message: text(16 * 1024),
  line: z.int().min(1).optional(),
});

export const caseResultSchema = z.object({
  id: text(40),
  outcome: z.enum(OUTCOMES),
  stage: z.enum(['narrow', 'check']),
  matchCount: z.int().min(0),
  matches: z.array(matchSchema).max(200),
  findings: z.array(findingSchema).max(1_000),
  error: checkErrorSchema.optional(),
  console: text(64 * 1024),
  trees: z.array(z.object({ file: text(600), language: text(40), text: text(32 * 1024) })).max(10),
  narrowMs: z.number().min(0),
  checkMs: z.number().min(0),
});

export const isolationReportSchema = z.object({
  jail: z.enum(['bubblewrap', 'util-linux', 'process', 'workerd', 'worker-loader']),
  flags: z.record(z.enum(ISOLATION_FLAGS), z.boolean()),
  measuredAt: z.iso.datetime(),
});

export const hostBuildSchema = z.object({ id: text(128), node: text(40), astGrep: text(40) });

export const verifyResponseSchema = z.object({
  protocol: z.literal(PROTOCOL_VERSION),
  nonce: text(128),
  build: hostBuildSchema,
  isolation: isolationReportSchema,
  results: z.array(caseResultSchema),
  notRun: z.array(text(40)),
  durationMs: z.number().min(0),
});

export const CASE_STATUSES = ['validated', 'reported', 'noisy', 'missing', 'error'] as const;
export const SANDBOX_KINDS = ['container', 'host', 'isolate'] as const;
export const VERDICTS = ['accepted', 'rejected', 'inconclusive'] as const;

/** One case with its label put back and its status decided. */
export const caseReportSchema = caseResultSchema.omit({ id: true }).extend({
  name: z.string(),
  kind: z.enum(CASE_KINDS),
  status: z.enum(CASE_STATUSES),
  /** Why the status is not a good one. */
  message: z.string().optional(),
  durationMs: z.number().min(0),
});

/** One verification of one rule: some or all cases. */
export const reportSchema = z.object({
  verdict: z.enum(VERDICTS),
  sandbox: z.enum(SANDBOX_KINDS),
  build: hostBuildSchema,
  isolation: isolationReportSchema,
  cases: z.array(caseReportSchema),
  /** Names of cases that were not run: earlier ones had decided, or there was no time left in the call. */
  notRun: z.array(z.string()),
  sandboxMs: z.number().min(0),
});

export type CaseStatus = (typeof CASE_STATUSES)[number];
export type Verdict = (typeof VERDICTS)[number];
export type CaseReport = z.infer<typeof caseReportSchema>;
export type Report = z.infer<typeof reportSchema>;
export type SandboxKind = Report['sandbox'];
export type HostCaseResult = z.infer<typeof caseResultSchema>;
export type HostAnswer = z.infer<typeof verifyResponseSchema>;
export type Isolation = z.infer<typeof isolationReportSchema>;
export type HostBuild = z.infer<typeof hostBuildSchema>;

/** Fails to compile when the wire type and the schema drift apart. */
type Mutual<Wire, Parsed extends Wire> = Parsed;
export type WireCheck = Mutual<wire.VerifyResponse, HostAnswer>;
