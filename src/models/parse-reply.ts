/**
 * A model's text to the object it was asked for. Endpoints without structured output wrap JSON in prose or
 * fences, so the outermost object is looked for; its shape is then enforced exactly.
 */

import type { z } from 'zod';
import { type Problem, type Result, refuse, succeed } from '../rules/result.ts';
import {
  classifyReplySchema,
  type ModelReply,
  replySchema,
  type SgReply,
  sgReplySchema,
} from '../schema/reply.ts';

const MAX_REPORTED_ISSUES = 5;

export function parseReply(text: string): Result<ModelReply> {
  return parseAs(replySchema, { declined: null }, text);
}

export function parseSgReply(text: string): Result<SgReply> {
  return parseAs(sgReplySchema, { declined: null, note: null }, text);
}

export function parseClassification(text: string): Result<z.infer<typeof classifyReplySchema>> {
  return parseAs(classifyReplySchema, {}, text);
}

/** @param defaults of fields that a model leaves out when it has nothing to say */
function parseAs<T>(schema: z.ZodType<T>, defaults: object, text: string): Result<T> {
  const value = findObject(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse([problem('reply_not_json', 'the reply is not a JSON object of the asked shape')]);
  }
  const parsed = schema.safeParse({ ...defaults, ...value });
  if (parsed.success) return succeed(parsed.data);
  return refuse(
    parsed.error.issues
      .slice(0, MAX_REPORTED_ISSUES)
      .map((issue) =>
        problem(
          'reply_schema',
          `the reply does not fit at ${issue.path.join('.') || 'top'}: ${issue.message}`,
        ),
      ),
  );
}

function findObject(text: string): unknown {
  const whole = parseJson(text.trim());
  if (whole !== undefined) return whole;
  const fenced = /```(?:json)?\s*\n([\s\S]*)\n\s*```/.exec(text)?.[1];
  const inFence = fenced === undefined ? undefined : parseJson(fenced);
  if (inFence !== undefined) return inFence;
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  return start < 0 || end <= start ? undefined : parseJson(text.slice(start, end + 1));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problem(reason: string, message: string): Problem {
  return { reason, where: 'reply', message };
}
