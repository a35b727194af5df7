/** API tokens and what they allow. The token itself is answered once, when it is made, and stored nowhere. */
import { z } from 'zod';

/** `admin` allows everything the others do. */
export const SCOPES = ['generate', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export const MAX_TOKEN_DAYS = 3_650;

export const newTokenSchema = z.strictObject({
  /** For people; two tokens may have the same. */
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be printable text'),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .max(SCOPES.length)
    .refine((scopes) => new Set(scopes).size === scopes.length, 'names a scope twice'),
  /** Without it the token does not expire. */
  expiresInDays: z.int().min(1).max(MAX_TOKEN_DAYS).optional(),
});

export const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
  /** Coarse: to the hour. */
  lastUsedAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
});

export const createdToken = tokenSchema.extend({
  /** Shown this once. */
  token: z.string(),
});

export const tokenPage = z.object({ tokens: z.array(tokenSchema), nextCursor: z.string().nullable() });

export type NewToken = z.output<typeof newTokenSchema>;
export type Token = z.infer<typeof tokenSchema>;

/** Whether a token with these scopes may do what needs `needed`. */
export function allows(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.includes('admin') || scopes.includes(needed);
}
