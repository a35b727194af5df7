/** Every route there is. What is not here is not served, and not in the OpenAPI document. */
import { z } from 'zod';
import { batchActionRoutes } from './batch-actions.ts';
import { batchRoutes } from './batches.ts';
import { cancelRoutes } from './cancel.ts';
import { deleteRoutes } from './delete.ts';
import { deliveryRoutes } from './deliveries.ts';
import { eventRoutes } from './events.ts';
import { generationRoutes } from './generations.ts';
import { healthRoutes } from './health.ts';
import { keyRoutes } from './keys.ts';
import { logRoutes } from './log.ts';
import { metricsRoutes } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { ownerRoutes } from './owners.ts';
import { retryRoutes } from './retry.ts';
import { JSON_TYPE, type Route, route } from './route.ts';
import { ruleRoutes } from './rules.ts';
import { sidecarRoutes } from './sidecars.ts';
import { storedRoutes } from './stored.ts';
import { tasklessRoutes } from './taskless/routes.ts';
import { tokenRoutes } from './tokens.ts';
import { trustRoutes } from './trust.ts';
import { verifyRoutes } from './verify.ts';
import { webhookSecretRoutes } from './webhook-secrets.ts';

let documentText: string | undefined;

const document = route({
  method: 'get',
  path: '/openapi.json',
  summary: 'This document',
  scope: null,
  answers: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) } },
  handle: (context) => {
    documentText ??= JSON.stringify(openApiDocument(ROUTES));
    return context.body(documentText, 200, { 'content-type': JSON_TYPE });
  },
});

export const ROUTES: readonly Route[] = [
  ...healthRoutes,
  document,
  ...keyRoutes,
  ...trustRoutes,
  ...logRoutes,
  ...tokenRoutes,
  ...webhookSecretRoutes,
  ...ownerRoutes,
  ...generationRoutes,
  ...eventRoutes,
  ...retryRoutes,
  ...cancelRoutes,
  ...storedRoutes,
  ...ruleRoutes,
  ...batchRoutes,
  ...batchActionRoutes,
  ...sidecarRoutes,
  ...deliveryRoutes,
  ...verifyRoutes,
  ...tasklessRoutes,
  ...metricsRoutes,
  ...deleteRoutes,
];
