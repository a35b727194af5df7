/**
 * What a model is asked to answer: the untrusted draft of a rule. Sent as the structured-output
 * schema, so every field is required and closed, and enforced again on what comes back.
 */
import { z } from 'zod';
import { ENGINES } from './request.ts';

export const captureDraft = z.strictObject({
  name: z
    .string()
    .describe('Stable name of this capture, lower-case with dashes; the check sees it as match.rule'),
  language: z.string().describe('ast-grep language, for example typescript, tsx, python, go, java, rust'),
  match: z
    .enum(['anchor', 'broad'])
    .describe(
      'anchor: one match per hit with text and metavariables. broad: one match per file that has any hit',
    ),
  yaml: z
    .string()
    .describe(
      'YAML with the ast-grep keys: rule (required), and constraints, utils, transform, files, ignores as needed',
    ),
});

export const replySchema = z.strictObject({
  name: z.string().describe('Short name of the rule, lower-case with dashes'),
  summary: z
    .string()
    .describe('One or two sentences a reviewer reads first: what is reported and what is spared'),
  captures: z.array(captureDraft),
  check: z.string().describe('Complete source of check.ts'),
  declined: z
    .string()
    .nullable()
    .describe(
      'null, or why no honest rule can satisfy all cases, for example because two of them contradict',
    ),
});

const DECLINED = 'null, or why no honest rule of this kind can satisfy all cases';

/** The draft of an `sg` rule. */
export const sgReplySchema = z.strictObject({
  name: z.string().describe('Short name of the rule, lower-case with dashes'),
  summary: z
    .string()
    .describe('One or two sentences a reviewer reads first: what is reported and what is spared'),
  language: z.string().describe('ast-grep language, for example typescript, tsx, python, go, java, rust'),
  message: z.string().describe('One line that every finding says; no metavariables'),
  note: z.string().nullable().describe('null, or how to put it right'),
  yaml: z
    .string()
    .describe(
      'YAML with the ast-grep keys: rule (required), and constraints, utils, files, ignores as needed',
    ),
  declined: z.string().nullable().describe(DECLINED),
});

/** Which engine a request is for, when it leaves that open. */
export const classifyReplySchema = z.strictObject({
  engine: z.enum(ENGINES),
  why: z.string().describe('One short sentence'),
});

export type SgReply = z.infer<typeof sgReplySchema>;
export type ModelReply = z.infer<typeof replySchema>;
export type CaptureDraft = z.infer<typeof captureDraft>;
