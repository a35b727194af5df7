/** Settings of webhooks. Without `WEBHOOK_SECRET` there are none, and a request with a callback URL is refused. */
import { z } from 'zod';
import { RETRY_DELAYS_MS } from './webhooks/outcome.ts';

export interface WebhookConfig {
  /** What every organisation's secrets are derived from. */
  readonly rootKey: Uint8Array;
  /** For local development only: sends to any host, by HTTP too. */
  readonly allowPrivate: boolean;
  readonly delaysMs: readonly number[];
  readonly timeoutMs: number;
}

const MAX_RETRIES = 20;
const MAX_DELAY_MS = 7 * 86_400_000;
/** How long a receiver may take. Standard Webhooks: 15 to 30 s. */
const DEFAULT_TIMEOUT_MS = 15_000;

const milliseconds = z
  .string()
  .regex(/^[0-9]{1,9}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(MAX_DELAY_MS));

export const webhookSettings = {
  WEBHOOK_SECRET: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 32 random bytes, 64 lower-case hex digits')
    .optional(),
  WEBHOOK_ALLOW_PRIVATE: z.enum(['true', 'false'], 'must be true or false').optional(),
  WEBHOOK_RETRY_DELAYS_MS: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(milliseconds, 'must be a comma-separated list of milliseconds').max(MAX_RETRIES))
    .optional(),
  WEBHOOK_TIMEOUT_MS: z
    .string()
    .regex(/^[0-9]{1,5}$/, 'must be a whole number of milliseconds up to 30000')
    .transform(Number)
    .pipe(z.int().min(100).max(30_000))
    .optional(),
};

const parsed = z.object(webhookSettings);

export function webhookConfig(value: z.output<typeof parsed>): WebhookConfig | null {
  if (value.WEBHOOK_SECRET === undefined) return null;
  return {
    rootKey: Uint8Array.from(value.WEBHOOK_SECRET.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16)),
    allowPrivate: value.WEBHOOK_ALLOW_PRIVATE === 'true',
    delaysMs: value.WEBHOOK_RETRY_DELAYS_MS ?? RETRY_DELAYS_MS,
    timeoutMs: value.WEBHOOK_TIMEOUT_MS ?? DEFAULT_TIMEOUT_MS,
  };
}
