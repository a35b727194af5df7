/** What `GET /v1/health` answers: every part by itself, in words, with the next move where something is wrong. */
import { z } from 'zod';

export const HEALTH_STATES = ['ok', 'degraded', 'down'] as const;
/** `degraded`: it works, and somebody should look. `down`: rules are not made, or not believed. */
export type HealthState = (typeof HEALTH_STATES)[number];

export const healthPart = z.object({
  /** `database`, `objects`, `workflow`, `sandbox:<kind>`, `log`, `model`, `trust`, `generations`. */
  part: z.string(),
  state: z.enum(HEALTH_STATES),
  message: z.string(),
  /** What to do about it; `null` while it is `ok`. */
  next: z.string().nullable(),
});

export const healthSchema = z.object({
  /** The worst of the parts. */
  state: z.enum(HEALTH_STATES),
  checkedAt: z.string(),
  parts: z.array(healthPart),
});

export type HealthPart = z.infer<typeof healthPart>;
export type Health = z.infer<typeof healthSchema>;
