/** What a model is asked for: each task has one system prompt, which is the cached prefix, and one answer. */
import type { z } from 'zod';
import { classifyReplySchema, replySchema, sgReplySchema } from '../schema/reply.ts';
import type { Engine } from '../schema/request.ts';
import { PROMPT_VERSION, SYSTEM_PROMPT } from './prompt.ts';
import { CLASSIFY_MAX_TOKENS, CLASSIFY_PROMPT_VERSION, CLASSIFY_SYSTEM_PROMPT } from './prompt-classify.ts';
import { SG_PROMPT_VERSION, SG_SYSTEM_PROMPT } from './prompt-sg.ts';

export interface ModelTask {
  readonly promptVersion: string;
  readonly system: string;
  readonly answer: z.ZodType;
  /** Tokens of the answer, where the task needs fewer than the deployment allows. */
  readonly maxTokens?: number;
}

export type TaskName = Engine | 'classify';

export const TASKS: Readonly<Record<TaskName, ModelTask>> = {
  runtime: { promptVersion: PROMPT_VERSION, system: SYSTEM_PROMPT, answer: replySchema },
  sg: { promptVersion: SG_PROMPT_VERSION, system: SG_SYSTEM_PROMPT, answer: sgReplySchema },
  classify: {
    promptVersion: CLASSIFY_PROMPT_VERSION,
    system: CLASSIFY_SYSTEM_PROMPT,
    answer: classifyReplySchema,
    maxTokens: CLASSIFY_MAX_TOKENS,
  },
};
