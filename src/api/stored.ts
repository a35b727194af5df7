/**
 * What a generation stored, byte for byte, so that it can be run again elsewhere: its request, and of an
 * attempt the rule the sandbox was given, the reports and the feedback. Nothing is parsed or rewritten; a
 * header carries the digest of the bytes, so that a client can tell that it has exactly these.
 */
import type { Context } from 'hono';
import type { z } from 'zod';
import { Fault, type FaultCode } from '../errors.ts';
import { DIGEST_HEADER } from '../schema/api.ts';
import { reportSchema } from '../schema/report.ts';
import { requestSchema } from '../schema/request.ts';
import { ruleSchema } from '../schema/rule.ts';
import { askOne } from '../store/ask.ts';
import type { AttemptRow } from '../store/attempts.ts';
import { keys, type StoredObject } from '../store/objects.ts';
import type { AppEnv } from './context.ts';
import { findGeneration } from './find-generation.ts';
import { type Answer, JSON_TYPE, pathParam, type Route, route, TEXT_TYPE } from './route.ts';

interface AttemptPart {
  readonly key: (org: string, generation: string, attempt: number) => string;
  readonly type: string;
  readonly schema?: z.ZodType;
  readonly code: FaultCode;
  readonly what: string;
}

const ATTEMPT_PARTS: Readonly<Record<string, AttemptPart>> = {
  rule: { key: keys.rule, type: JSON_TYPE, schema: ruleSchema, code: 'NO_RULE', what: 'rule' },
  report: { key: keys.report, type: JSON_TYPE, schema: reportSchema, code: 'NO_REPORT', what: 'report' },
  confirmation: {
    key: keys.confirmation,
    type: JSON_TYPE,
    schema: reportSchema,
    code: 'NO_CONFIRMATION',
    what: 'report of a second sandbox',
  },
  feedback: {
    key: keys.feedback,
    type: TEXT_TYPE,
    code: 'NO_FEEDBACK',
    what: 'feedback',
  },
};

const requestRoute = route({
  method: 'get',
  path: '/v1/generations/:id/request',
  summary: 'The stored request, exact bytes',
  scope: 'read',
  answers: exactBytes('The request.', JSON_TYPE, requestSchema),
  errors: ['NOT_FOUND', 'GENERATION_DELETED', 'STORE_MISSING', 'STORE_CONFLICT'],
  handle: async (context) => {
    const { store, orgId } = context.var;
    const row = await findGeneration(store, orgId, pathParam(context, 'id'));
    const object = await store.objects.find(keys.request(orgId, row.id));
    if (object === null) throw new Fault('STORE_MISSING', 'the stored request of this generation is missing');
    if (object.ref.sha256 !== row.request_sha256)
      throw new Fault('STORE_CONFLICT', 'the stored request is not the one this generation was made from');
    return sendStored(context, object, JSON_TYPE);
  },
});

function attemptRoute(name: string, part: AttemptPart): Route {
  return route({
    method: 'get',
    path: `/v1/generations/:id/attempts/:n/${name}`,
    summary: `The ${part.what} of an attempt, exact bytes`,
    scope: 'read',
    answers: exactBytes(`The ${part.what}.`, part.type, part.schema),
    errors: ['NOT_FOUND', 'GENERATION_DELETED', part.code],
    handle: async (context) => {
      const { store, orgId } = context.var;
      const { id } = await findGeneration(store, orgId, pathParam(context, 'id'));
      const attempts = await askOne(store.attempts.listOf(orgId, id));
      const attempt = attempts.find((one) => String(one.n) === pathParam(context, 'n'));
      if (attempt === undefined) throw new Fault('NOT_FOUND', noAttempt(attempts.length));
      const object = await store.objects.find(part.key(orgId, id, attempt.n));
      if (object === null) throw new Fault(part.code, absent(attempt, part.what));
      return sendStored(context, object, part.type);
    },
  });
}

export const storedRoutes: readonly Route[] = [
  requestRoute,
  ...Object.entries(ATTEMPT_PARTS).map(([name, part]) => attemptRoute(name, part)),
];

function exactBytes(
  description: string,
  type: string,
  schema: z.ZodType | undefined,
): Readonly<Record<number, Answer>> {
  const headers = { [DIGEST_HEADER]: 'SHA-256 of the bytes, lower-case hex.' };
  return { 200: { description, type, ...(schema === undefined ? {} : { schema }), headers } };
}

function noAttempt(count: number): string {
  if (count === 0) return 'the generation has no attempt yet';
  return `there is no such attempt; the generation has ${count === 1 ? 'one' : `1 to ${count}`}`;
}

/** Not yet, or never: the summary of an attempt that ended says why. */
function absent(attempt: AttemptRow, what: string): string {
  if (attempt.ended_at === null) return `attempt ${attempt.n} has no ${what} yet`;
  return `attempt ${attempt.n} has no ${what}; it ended ${attempt.verdict ?? 'without a verdict'}: ${attempt.summary ?? ''}`;
}

function sendStored(context: Context<AppEnv>, object: StoredObject, type: string): Response {
  context.header(DIGEST_HEADER, object.ref.sha256);
  context.header('content-type', type);
  return context.body(object.text, 200);
}
