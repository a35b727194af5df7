/** What deleting answers. */
import { z } from 'zod';

export const deletionSchema = z.object({
  id: z.string(),
  requestedAt: z.string(),
  /** `null` while a step that was running could still write: 15 minutes. What was there is gone before. */
  doneAt: z.string().nullable(),
});

export const organisationSchema = z.object({
  id: z.string(),
  /** Asked for until now, newest first. */
  deletions: z.array(z.object({ requestedAt: z.string(), doneAt: z.string().nullable() })),
});

export type Deletion = z.infer<typeof deletionSchema>;
export type Organisation = z.infer<typeof organisationSchema>;
