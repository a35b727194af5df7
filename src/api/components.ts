/** The schemas that have a name in the OpenAPI document, and so in what is generated from it. */
import type { z } from 'zod';
import {
  attemptSchema,
  caseSummary,
  errorBody,
  generationDetail,
  generationEvent,
  generationSchema,
  signedRule,
  signedRuleFiles,
} from '../schema/api.ts';
import { batchDetail, batchItem, batchSchema, newBatchSchema } from '../schema/batch.ts';
import { retrySchema } from '../schema/lineage.ts';
import { reportSchema } from '../schema/report.ts';
import { requestSchema } from '../schema/request.ts';
import { ruleSchema } from '../schema/rule.ts';
import { createdToken, newTokenSchema, tokenSchema } from '../schema/tokens.ts';
import { documentSchema } from '../schema/trust.ts';

export const COMPONENTS = {
  Attempt: attemptSchema,
  Batch: batchSchema,
  BatchDetail: batchDetail,
  BatchItem: batchItem,
  CaseSummary: caseSummary,
  CreatedToken: createdToken,
  Error: errorBody,
  Generation: generationSchema,
  GenerationDetail: generationDetail,
  GenerationEvent: generationEvent,
  NewBatch: newBatchSchema,
  NewToken: newTokenSchema,
  Report: reportSchema,
  Request: requestSchema,
  Retry: retrySchema,
  RuleToRun: ruleSchema,
  SignedRule: signedRule,
  SignedRuleFiles: signedRuleFiles,
  Token: tokenSchema,
  TrustDocument: documentSchema,
} as const satisfies Record<string, z.ZodType>;
