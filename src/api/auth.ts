/**
 * Bearer tokens: those of the configuration, which may do everything, and those made with the API, which have
 * scopes. Only hashes are known. Whatever is presented, and whether anything is, the same work is done (one
 * hash, one comparison with each configured token, one look-up by hash) and the same answer given.
 */
import type { Context } from 'hono';
import type { TokenEntry } from '../env.ts';
import { Fault } from '../errors.ts';
import { sha256Hex } from '../rules/digest.ts';
import type { Scope } from '../schema/tokens.ts';
import { scopesOf, type TokenRow, type TokenStore } from '../store/tokens.ts';
import type { AppEnv } from './context.ts';
import { addressOf, spendBudget } from './limits.ts';

const TOKEN = '[A-Za-z0-9._~+/=-]{1,512}';
const BEARER = new RegExp(`^Bearer (${TOKEN})$`, 'i');
const WHOLE = new RegExp(`^${TOKEN}$`);
const LAST_USE_STEP_MS = 3_600_000;
const NO_HASH = '0'.repeat(64);

export interface Caller {
  readonly orgId: string;
  readonly scopes: readonly Scope[];
  /** For people; `null`: a token of the configuration. */
  readonly tokenName: string | null;
  /** When the token stops counting, ISO 8601. */
  readonly expiresAt: string | null;
}

/**
 * Who calls; the organisation is also set in the context.
 * @throws Fault UNAUTHORIZED, the same for a token that is missing, wrong, revoked or expired; RATE_LIMITED when
 *   there were too many of these from one address
 */
export async function authenticate(context: Context<AppEnv>): Promise<Caller> {
  const presented = BEARER.exec(context.req.header('authorization') ?? '')?.[1];
  const { config, store } = context.var;
  const caller = await callerOf(presented ?? '', config.tokens, store.tokens, new Date());
  if (presented === undefined || caller === null) {
    await spendBudget(context, 'auth', addressOf(context));
    throw new Fault('UNAUTHORIZED', 'send a valid token in the header "Authorization: Bearer <token>"');
  }
  context.set('orgId', caller.orgId);
  context.set('caller', caller);
  return caller;
}

/** Whether this could be a token at all. */
export function isTokenText(text: string): boolean {
  return WHOLE.test(text);
}

/** Looks at every entry and in the store whatever it finds, so that the work does not depend on the match. */
export async function callerOf(
  token: string,
  entries: readonly TokenEntry[],
  tokens: Pick<TokenStore, 'byHash' | 'used'>,
  now: Date,
): Promise<Caller | null> {
  const digest = await sha256Hex(token);
  let found: Caller | null = null;
  for (const entry of entries) {
    if (equalConstantTime(digest, entry.sha256)) {
      found = { orgId: entry.orgId, scopes: ['admin'], tokenName: null, expiresAt: null };
    }
  }
  const row = await tokens.byHash(digest).catch((error: unknown) => {
    // Whom the configuration knows can ask what is wrong while the store fails.
    if (found === null) throw error;
    return null;
  });
  const matches = equalConstantTime(digest, row?.sha256 ?? NO_HASH);
  if (row === null || !matches || !isGood(row, now)) return found;
  await noteUse(row, tokens, now);
  const { org_id: orgId, name: tokenName, expires_at: expiresAt } = row;
  return found ?? { orgId, scopes: scopesOf(row), tokenName, expiresAt };
}

function isGood(row: TokenRow, now: Date): boolean {
  return row.revoked_at === null && (row.expires_at === null || row.expires_at > now.toISOString());
}

/** To the hour: enough to see that a token is not used any more, without a write for every call. */
async function noteUse(row: TokenRow, tokens: Pick<TokenStore, 'used'>, now: Date): Promise<void> {
  const hour = new Date(Math.floor(now.getTime() / LAST_USE_STEP_MS) * LAST_USE_STEP_MS).toISOString();
  if (row.last_used_at === null || row.last_used_at < hour) await tokens.used(row.id, hour);
}

function equalConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ (b.charCodeAt(i) || 0);
  return difference === 0;
}
