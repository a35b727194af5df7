/**
 * Budgets of an organisation: one for what makes work, one for everything else, and one of an address for tokens
 * that are not valid. The platform counts, by what `ratelimits` in `wrangler.jsonc` says.
 */
import type { Context } from 'hono';
import { Fault, messageOf } from '../errors.ts';
import { log } from '../logger.ts';
import type { AppEnv } from './context.ts';
import type { Route } from './route.ts';

/** The platform does not say when a budget is free again; it is within this, the period of `wrangler.jsonc`. */
export const RETRY_AFTER_S = 60;

const BUDGETS = {
  read: 'requests',
  create: 'requests that make or change generations',
  auth: 'requests without a valid token',
} as const;

export function budgetOf(one: Pick<Route, 'scope' | 'budget'>): 'read' | 'create' {
  return one.budget ?? (one.scope === 'generate' ? 'create' : 'read');
}

/**
 * Counts one call. A counter that fails is noted and lets through: it must not take the service down with it.
 * @throws Fault RATE_LIMITED
 */
export async function spendBudget(
  context: Context<AppEnv>,
  budget: keyof typeof BUDGETS,
  whose: string,
): Promise<void> {
  const limiter = context.get('config').limits[budget];
  const { success } = await limiter.limit({ key: whose }).catch((error: unknown) => {
    log('warn', 'rate_limit_failed', { budget, message: messageOf(error) });
    return { success: true };
  });
  if (success) return;
  throw new Fault('RATE_LIMITED', `too many ${BUDGETS[budget]}; try again in ${RETRY_AFTER_S} s`);
}

/** Whose budget a call without a valid token counts against. */
export function addressOf(context: Context<AppEnv>): string {
  return context.req.header('cf-connecting-ip') ?? 'unknown';
}
