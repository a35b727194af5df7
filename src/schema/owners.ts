/** Owners of repositories on GitHub that an organisation speaks for; the Taskless client calls them organisations. */
import { z } from 'zod';

const repositoryName = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be the name of a repository');

export const newOwnerSchema = z.strictObject({
  /** As in `https://github.com/<owner>`; letter case does not matter. */
  owner: z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98})$/, 'must be the name of an owner on GitHub'),
  /** For people. Absent: the owner. */
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be printable text')
    .optional(),
  /** The number GitHub gives it; some clients send that. */
  githubId: z.int().min(1).optional(),
  /** Names of the repositories that are covered. Absent: all of them. */
  repositories: z.array(repositoryName).min(1).max(500).optional(),
});
export type NewOwner = z.output<typeof newOwnerSchema>;

export const ownerSchema = z.object({
  /** UUID. */
  id: z.string(),
  owner: z.string(),
  name: z.string(),
  url: z.string(),
  githubId: z.int().nullable(),
  repositories: z.array(z.string()).nullable(),
  createdAt: z.string(),
});
export type Owner = z.infer<typeof ownerSchema>;

export const ownerList = z.object({ owners: z.array(ownerSchema) });
