/**
 * `GET` and `POST /cli/auth/verify`: where a person lets a device in. Who approves proves it with an Assay token
 * typed into the form: there is no session a foreign page could use, and a form sent from elsewhere is refused all the
 * same. It answers pages only and never sends anybody anywhere.
 */
import type { Context } from 'hono';
import { z } from 'zod';
import { FAULTS, Fault } from '../../errors.ts';
import { allows } from '../../schema/tokens.ts';
import type { DeviceRow } from '../../store/device-logins.ts';
import { type Caller, callerOf, isTokenText } from '../auth.ts';
import type { AppEnv } from '../context.ts';
import { faultOf } from '../errors.ts';
import { addressOf, RETRY_AFTER_S, spendBudget } from '../limits.ts';
import { type Answer, type Route, route } from '../route.ts';
import { readCode, showCode, VERIFY_PATH } from './device.ts';
import { HTML_TYPE, type Html, html, page } from './page.ts';

const MAX_FORM_BYTES = 16 * 1024;
const TOKEN_LIFE_MS = 7 * 86_400_000;
const MAX_NAME_CHARS = 100;

const userCode = z.string().max(40);
const pageOf = (description: string): Answer => ({ description, type: HTML_TYPE });
const ANSWERS: Readonly<Record<number, Answer>> = {
  200: pageOf('The page.'),
  400: pageOf('What was sent is no form of this page.'),
  401: pageOf('The token is not valid.'),
  403: pageOf('The form was sent from elsewhere, or the token may not let anybody in.'),
  404: pageOf('No device waits with this code.'),
  413: pageOf('The form is too large.'),
  415: pageOf('What was sent is no form.'),
  429: pageOf('Too many attempts.'),
  500: pageOf('Something failed on our side.'),
};

export const verifyRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: VERIFY_PATH,
    summary: 'Taskless: the page where a device is let in',
    scope: null,
    query: z.strictObject({ user_code: userCode.optional().describe('filled in for the person') }),
    answers: ANSWERS,
    onFault: faultPage,
    handle: async (context, { query }) => {
      const code = readCode(query.user_code ?? '');
      const device = code === '' ? null : await waiting(context, code);
      return page(context, TITLE, form(code, device));
    },
  }),
  route({
    method: 'post',
    path: VERIFY_PATH,
    summary: 'Taskless: let a device in, or not',
    scope: null,
    body: {
      schema: z.strictObject({
        user_code: userCode,
        token: z.string().max(600),
        decision: z.enum(['approve', 'deny']),
      }),
      maxBytes: MAX_FORM_BYTES,
      form: true,
    },
    answers: ANSWERS,
    onFault: faultPage,
    handle: async (context, { body }) => {
      if (!isFromHere(context)) throw new Fault('FORBIDDEN', 'this form was sent from another page');
      const code = readCode(body.user_code);
      const caller = await approver(context, body.token.trim());
      const device = await waiting(context, code);
      if (device === null) return page(context, TITLE, html`${bad(GONE)}${form(code, null)}`, 404);
      return decide(context, device, caller, body.decision);
    },
  }),
];

const TITLE = 'Let a device in';
const GONE = 'No device waits with this code. It may be mistyped, too old, or used already.';

/** A device with this code, if one waits. Codes that fit nothing are counted: they can be guessed. */
async function waiting(context: Context<AppEnv>, code: string): Promise<DeviceRow | null> {
  const device = await context.get('store').devices.waiting(code, new Date().toISOString());
  if (device === null) await spendBudget(context, 'auth', addressOf(context));
  return device;
}

/** Browsers say where a form comes from; what is no browser has no session that could be used. */
function isFromHere(context: Context<AppEnv>): boolean {
  const site = context.req.header('sec-fetch-site');
  const origin = context.req.header('origin');
  if (site !== undefined && site !== 'same-origin') return false;
  return origin === undefined || origin === new URL(context.req.url).origin;
}

/** @throws Fault UNAUTHORIZED | FORBIDDEN | RATE_LIMITED */
async function approver(context: Context<AppEnv>, token: string): Promise<Caller> {
  const { config, store } = context.var;
  const caller = await callerOf(isTokenText(token) ? token : '', config.tokens, store.tokens, new Date());
  if (caller === null) {
    await spendBudget(context, 'auth', addressOf(context));
    throw new Fault('UNAUTHORIZED', 'this token is not valid');
  }
  // Nobody hands out what they may not do themselves.
  if (!allows(caller.scopes, 'generate') || !allows(caller.scopes, 'read')) {
    throw new Fault('FORBIDDEN', 'this token needs the scopes "generate" and "read", or "admin"');
  }
  return caller;
}

async function decide(
  context: Context<AppEnv>,
  device: DeviceRow,
  caller: Caller,
  decision: 'approve' | 'deny',
): Promise<Response> {
  const { devices } = context.get('store');
  const now = new Date();
  const at = now.toISOString();
  if (decision === 'deny') {
    const denied = await devices.deny(device.user_code, caller.orgId, at);
    return denied ? page(context, 'Refused', html`<p>The device is not let in.</p>`) : gone(context);
  }
  const end = new Date(now.getTime() + TOKEN_LIFE_MS).toISOString();
  const approval = {
    orgId: caller.orgId,
    tokenName: tokenNameOf(device, caller),
    // No token gives one that lasts longer than itself.
    tokenExpiresAt: caller.expiresAt !== null && caller.expiresAt < end ? caller.expiresAt : end,
  };
  if (!(await devices.approve(device.user_code, approval, at))) return gone(context);
  const content = html`<p>The device may now ask for rules of the organisation <strong>${caller.orgId}</strong>, until
${approval.tokenExpiresAt}. You can close this page.</p>
<p class="note">Its token is listed by <code>assay tokens list</code>, and revoked there.</p>`;
  return page(context, 'Let in', content);
}

function gone(context: Context<AppEnv>): Response {
  return page(context, TITLE, bad(GONE), 404);
}

function tokenNameOf({ repository }: DeviceRow, { tokenName }: Caller): string {
  const where = repository === null ? '' : ` (${repository.slice('https://github.com/'.length)})`;
  return `Taskless CLI${where}, by ${tokenName ?? 'configuration'}`.slice(0, MAX_NAME_CHARS);
}

function bad(message: string): Html {
  return html`<p class="bad" role="alert">${message}</p>`;
}

function form(code: string, device: DeviceRow | null): Html {
  const asked =
    device === null
      ? code === ''
        ? html``
        : bad(GONE)
      : html`<p>A device asked at ${device.created_at} to be let in${
          device.repository === null ? '' : html`, for what it says is <code>${device.repository}</code>`
        }.</p>`;
  return html`${asked}
<p>Go on only if you have just started a login yourself and this code is the one your terminal shows.</p>
<form method="post" action="${VERIFY_PATH}">
<label for="code">Code</label>
<input id="code" name="user_code" value="${code === '' ? '' : showCode(code)}" required autocomplete="off" spellcheck="false">
<label for="token">Your Assay token</label>
<input id="token" name="token" type="password" required autocomplete="off">
<p class="note">The device gets a token of its own with the scopes generate and read, for 7 days at most. Yours is not
stored.</p>
<button name="decision" value="approve">Let it in</button><button name="decision" value="deny">Refuse</button>
</form>`;
}

function faultPage(error: unknown, context: Context<AppEnv>): Response {
  const fault = faultOf(error, context);
  const code = fault?.code ?? 'INTERNAL';
  const message = fault?.reason ?? 'Something failed on our side; try again.';
  if (code === 'RATE_LIMITED') context.header('retry-after', String(RETRY_AFTER_S));
  return page(context, 'Not let in', bad(message), FAULTS[code].status as 400);
}
