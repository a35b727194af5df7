/** What a retry may change of the generation it repeats. Everything else is copied. */
import { z } from 'zod';
import { guidance, MAX_ATTEMPTS } from './request.ts';

export const retrySchema = z.strictObject({
  /** A person's advice, shown to the model beside the request; replaces earlier guidance. */
  guidance: guidance.optional(),
  attempts: z.int().min(1).max(MAX_ATTEMPTS).optional(),
  /** One of the models the deployment allows. */
  model: z.string().min(1).max(200).optional(),
  /** Goes on from the reply of this attempt and the feedback it got, without paying for it again. */
  fromAttempt: z.int().min(1).max(MAX_ATTEMPTS).optional(),
  /** Also when the generation, or a retry of it, was signed. */
  force: z.boolean().optional(),
});

export type Retry = z.output<typeof retrySchema>;
