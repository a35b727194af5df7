/**
 * `POST /cli/auth/token`: the device asks whether it was let in. The client gives up on any status but 200, so every
 * error, also of the body or of a spent budget, is a 200 that names it. The token is made at the last call.
 */
import type { Context } from 'hono';
import { Fault } from '../../errors.ts';
import { sha256Hex } from '../../rules/digest.ts';
import {
  CLIENT_ID,
  DEVICE_GRANT,
  type TokenError,
  tasklessError,
  tokenAnswer,
  tokenRequest,
} from '../../schema/taskless.ts';
import type { DeviceRow } from '../../store/device-logins.ts';
import type { AppEnv } from '../context.ts';
import { faultOf } from '../errors.ts';
import { newId, newToken } from '../ids.ts';
import { addressOf, spendBudget } from '../limits.ts';
import { type Route, route } from '../route.ts';
import { tasklessFault } from './refusal.ts';

const MAX_BODY_BYTES = 16 * 1024;
/** What the client needs: to ask for rules and to read what became of them. */
const SCOPES = 'generate,read';
const SLOWER_BY_S = 5;
/** A poll may come this much early: clocks and networks are not exact. */
const EARLY_MS = 1_000;

export const tokenRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/cli/auth/token',
    summary: 'Taskless: whether the device was let in; 200 whatever the answer',
    scope: null,
    body: { schema: tokenRequest, maxBytes: MAX_BODY_BYTES },
    answers: {
      200: { description: 'The token, this once; or why there is none.', schema: tokenAnswer },
      500: { description: 'internal_error', schema: tasklessError },
    },
    onFault: (error, context) => {
      const code = error instanceof Fault ? error.code : faultOf(error, context)?.code;
      if (code === 'RATE_LIMITED') return refuse(context, 'slow_down');
      // Ours to mend, and no answer about the login.
      if (code === undefined) return tasklessFault(error, context);
      return refuse(context, 'invalid_request');
    },
    handle: async (context, { body }) => {
      await spendBudget(context, 'auth', addressOf(context));
      if (body.client_id !== CLIENT_ID) return refuse(context, 'invalid_client');
      if (body.grant_type !== DEVICE_GRANT) return refuse(context, 'unsupported_grant_type');
      return poll(context, await sha256Hex(body.device_code));
    },
  }),
];

async function poll(context: Context<AppEnv>, device: string): Promise<Response> {
  const { devices } = context.get('store');
  const now = new Date();
  const row = await devices.byDevice(device);
  if (row === null || row.status === 'spent') return refuse(context, 'invalid_grant');
  if (row.status === 'denied') return refuse(context, 'access_denied');
  if (row.expires_at <= now.toISOString()) return refuse(context, 'expired_token');
  if (row.status === 'approved') return redeem(context, row, now);
  const tooSoon = isTooSoon(row, now);
  const interval = row.interval_s + (tooSoon ? SLOWER_BY_S : 0);
  await devices.polled(device, interval, now.toISOString());
  return refuse(context, tooSoon ? 'slow_down' : 'authorization_pending');
}

function isTooSoon({ polled_at, interval_s }: DeviceRow, now: Date): boolean {
  return polled_at !== null && now.getTime() - Date.parse(polled_at) < interval_s * 1_000 - EARLY_MS;
}

async function redeem(context: Context<AppEnv>, row: DeviceRow, now: Date): Promise<Response> {
  const { device_sha256, org_id, token_name, token_expires_at } = row;
  if (org_id === null || token_expires_at === null) return refuse(context, 'invalid_grant');
  const token = newToken();
  const made = await context.get('store').devices.redeem(device_sha256, {
    id: newId('tok', now.getTime()),
    org_id,
    name: token_name ?? 'Taskless CLI',
    sha256: await sha256Hex(token),
    scopes: SCOPES,
    created_at: now.toISOString(),
    expires_at: token_expires_at,
  });
  if (!made) return refuse(context, 'invalid_grant');
  const expiresIn = Math.max(0, Math.floor((Date.parse(token_expires_at) - now.getTime()) / 1_000));
  return context.json({ access_token: token, token_type: 'Bearer', expires_in: expiresIn });
}

function refuse(context: Context<AppEnv>, error: TokenError): Response {
  return context.json({ error });
}
