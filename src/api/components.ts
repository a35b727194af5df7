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
import { deletionSchema, organisationSchema } from '../schema/deletion.ts';
import { healthSchema } from '../schema/health.ts';
import { retrySchema } from '../schema/lineage.ts';
import { metricsSchema } from '../schema/metrics.ts';
import { newOwnerSchema, ownerSchema } from '../schema/owners.ts';
import { reportSchema } from '../schema/report.ts';
import { requestSchema } from '../schema/request.ts';
import { ruleSchema } from '../schema/rule.ts';
import { tasklessError } from '../schema/taskless.ts';
import { createdToken, newTokenSchema, tokenSchema } from '../schema/tokens.ts';
import { documentSchema } from '../schema/trust.ts';
import {
  batchEnded,
  createdWebhookSecret,
  deliveryAttempt,
  deliveryDetail,
  deliverySchema,
  generationEnded,
  webhookSecretSchema,
} from '../schema/webhooks.ts';

export const COMPONENTS = {
  Attempt: attemptSchema,
  Batch: batchSchema,
  BatchDetail: batchDetail,
  BatchItem: batchItem,
  BatchEnded: batchEnded,
  CaseSummary: caseSummary,
  CreatedToken: createdToken,
  CreatedWebhookSecret: createdWebhookSecret,
  Delivery: deliverySchema,
  DeliveryAttempt: deliveryAttempt,
  DeliveryDetail: deliveryDetail,
  Deletion: deletionSchema,
  Error: errorBody,
  Generation: generationSchema,
  GenerationDetail: generationDetail,
  GenerationEnded: generationEnded,
  GenerationEvent: generationEvent,
  NewBatch: newBatchSchema,
  NewOwner: newOwnerSchema,
  Owner: ownerSchema,
  Health: healthSchema,
  Metrics: metricsSchema,
  NewToken: newTokenSchema,
  Organisation: organisationSchema,
  Report: reportSchema,
  Request: requestSchema,
  Retry: retrySchema,
  RuleToRun: ruleSchema,
  SignedRule: signedRule,
  SignedRuleFiles: signedRuleFiles,
  TasklessError: tasklessError,
  Token: tokenSchema,
  TrustDocument: documentSchema,
  WebhookSecret: webhookSecretSchema,
} as const satisfies Record<string, z.ZodType>;
