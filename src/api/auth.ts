/**
 * Bearer tokens. Only hashes are configured; a presented token is hashed and compared with every one in
 * constant time, so that neither the time nor the answer tells which part was wrong. Without configured
 * tokens the configuration is invalid and nothing is served.
 */
import { createMiddleware } from 'hono/factory';
import type { TokenEntry } from '../env.ts';
import { Fault } from '../errors.ts';
import { sha256Hex } from '../rules/digest.ts';
import type { AppEnv } from './context.ts';

const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i;

export const authenticate = createMiddleware<AppEnv>(async function authenticateRequest(context, next) {
  const presented = BEARER.exec(context.req.header('authorization') ?? '')?.[1];
  const orgId = await orgOf(presented ?? '', context.get('config').tokens);
  if (presented === undefined || orgId === null) {
    throw new Fault('UNAUTHORIZED', 'send a valid token in the header "Authorization: Bearer <token>"');
  }
  context.set('orgId', orgId);
  await next();
});

/** Looks at every entry whatever it finds, so that the time does not depend on the match. */
export async function orgOf(token: string, entries: readonly TokenEntry[]): Promise<string | null> {
  const digest = new TextEncoder().encode(await sha256Hex(token));
  let found: string | null = null;
  for (const entry of entries) {
    if (equalConstantTime(digest, new TextEncoder().encode(entry.sha256))) found = entry.orgId;
  }
  return found;
}

function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
