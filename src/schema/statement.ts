/**
 * What a signature says: an in-toto Statement v1 whose predicate is the evidence of one accepted
 * verification. One statement gates everything; there is no second document to lose or swap.
 */
import { z } from 'zod';
import { base64, sha256 } from './encoding.ts';
import { hostBuildSchema, isolationReportSchema, SANDBOX_KINDS } from './report.ts';
import { CASE_KINDS, SEVERITIES } from './request.ts';
import { capabilityFacts, ruleSize } from './rule.ts';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'https://assay.alt/spec/verified-rule/v1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

export const subjectSchema = z.strictObject({
  /** Rule-relative POSIX path. */
  name: z.string().min(1),
  digest: z.strictObject({ sha256 }),
});

export const verifiedCaseSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(CASE_KINDS),
  directory: z.string(),
  sha256,
  status: z.enum(['validated', 'reported']),
  matches: z.int().min(0),
  findings: z.int().min(0),
});

/** A case the model never saw; it is not in the rule directory, so its digest alone stands for it. */
export const heldOutCaseSchema = z.strictObject({
  kind: z.enum(CASE_KINDS),
  sha256,
  status: z.enum(['validated', 'reported']),
  matches: z.int().min(0),
  findings: z.int().min(0),
});

/** A shown case, rewritten without a change of meaning; its status must be that of the original. */
export const variantSchema = z.strictObject({
  /** Name of the case it was made from. */
  of: z.string(),
  /** What was done to it, e.g. `crlf`. */
  transformation: z.string(),
  sha256,
  status: z.enum(['validated', 'reported']),
  findings: z.int().min(0),
});

const sandboxFacts = z.strictObject({
  kind: z.enum(SANDBOX_KINDS),
  build: hostBuildSchema,
  isolation: isolationReportSchema,
});

const ruleFacts = {
  name: z.string(),
  summary: z.string(),
  size: ruleSize,
  capabilities: capabilityFacts,
} as const;

const runtimeRule = z.strictObject({
  ...ruleFacts,
  engine: z.literal('runtime'),
  /** Taskless content hash of `check.ts`, so that its client and ours speak of the same bytes. */
  checkEnvelope: z.string().regex(/^1;h=sha-256;d=[0-9a-f]{64}$/),
});

/** One ast-grep rule: nothing of it executes, so there is no check to name. */
const sgRule = z.strictObject({
  ...ruleFacts,
  engine: z.literal('sg'),
  language: z.string(),
  /** What every match is reported as. */
  message: z.string(),
  severity: z.enum(SEVERITIES),
});

export const predicateSchema = z.strictObject({
  rule: z.discriminatedUnion('engine', [runtimeRule, sgRule]),
  request: z.strictObject({ sha256, promptSha256: sha256 }),
  cases: z.array(verifiedCaseSchema).min(2),
  /** `null` when none were held out, or none made. */
  heldOut: z.array(heldOutCaseSchema).min(1).nullable(),
  variants: z.array(variantSchema).min(1).nullable(),
  generation: z.strictObject({ id: z.string(), attempts: z.int().min(1) }),
  model: z.strictObject({
    id: z.string(),
    promptVersion: z.string(),
    promptSha256: sha256,
    replySha256: sha256,
  }),
  sandbox: sandboxFacts,
  /** A second, different sandbox that ran every case and gave the same findings; `null` when there was none. */
  confirmation: sandboxFacts.nullable(),
  limits: z.strictObject({ caseTimeoutMs: z.int() }),
  verifiedAt: z.iso.datetime(),
  signedAt: z.iso.datetime(),
});

export const statementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(subjectSchema).min(1).max(50_000),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: predicateSchema,
});

export type Statement = z.infer<typeof statementSchema>;
export type Predicate = z.infer<typeof predicateSchema>;

/** Sigstore bundle v0.3 with a DSSE envelope and a public-key hint. Exactly one signature. */
export const bundleSchema = z.strictObject({
  mediaType: z.literal(BUNDLE_MEDIA_TYPE),
  verificationMaterial: z.strictObject({ publicKey: z.strictObject({ hint: base64 }) }),
  dsseEnvelope: z.strictObject({
    payload: base64,
    payloadType: z.literal(PAYLOAD_TYPE),
    signatures: z.tuple([z.strictObject({ sig: base64, keyid: base64 })]),
  }),
});

export type Bundle = z.infer<typeof bundleSchema>;
