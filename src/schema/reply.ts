/**
 * What a model is asked to answer: the untrusted draft of a rule. Sent as the structured-output
 * schema, so every field is required and closed, and enforced again on what comes back.
 */
import { z } from 'zod';

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

export type ModelReply = z.infer<typeof replySchema>;
export type CaptureDraft = z.infer<typeof captureDraft>;
