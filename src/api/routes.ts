/** Every route there is. What is not here is not served, and not in the OpenAPI document. */
import { z } from 'zod';
import { batchActionRoutes } from './batch-actions.ts';
import { batchRoutes } from './batches.ts';
import { cancelRoutes } from './cancel.ts';
import { eventRoutes } from './events.ts';
import { generationRoutes } from './generations.ts';
import { keyRoutes } from './keys.ts';
import { logRoutes } from './log.ts';
import { openApiDocument } from './openapi.ts';
import { retryRoutes } from './retry.ts';
import { JSON_TYPE, type Route, route } from './route.ts';
import { ruleRoutes } from './rules.ts';
import { sidecarRoutes } from './sidecars.ts';
import { storedRoutes } from './stored.ts';
import { tokenRoutes } from './tokens.ts';
import { trustRoutes } from './trust.ts';

const health = route({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the service has a usable configuration',
  scope: null,
  answers: { 200: { description: 'It has.', schema: z.object({ ok: z.literal(true) }) } },
  handle: (context) => context.json({ ok: true }),
});

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
  health,
  document,
  ...keyRoutes,
  ...trustRoutes,
  ...logRoutes,
  ...tokenRoutes,
  ...generationRoutes,
  ...eventRoutes,
  ...retryRoutes,
  ...cancelRoutes,
  ...storedRoutes,
  ...ruleRoutes,
  ...batchRoutes,
  ...batchActionRoutes,
  ...sidecarRoutes,
];
