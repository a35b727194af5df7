/** `POST /cli/auth/device`: a device asks to be let in, and gets a secret of its own and a code for a person. */
import type { Context } from 'hono';
import { Fault } from '../../errors.ts';
import { sha256Hex } from '../../rules/digest.ts';
import { deviceAnswer, deviceSchema } from '../../schema/taskless.ts';
import type { AppEnv } from '../context.ts';
import { newToken } from '../ids.ts';
import { addressOf, spendBudget } from '../limits.ts';
import { type Route, route } from '../route.ts';
import { errorAnswers, RATE_LIMITED, tasklessFault } from './refusal.ts';

const MAX_BODY_BYTES = 16 * 1024;
const CODE_LIFE_S = 900;
const INTERVAL_S = 5;
/** Without vowels, so that no code is a word, and without digits that look like letters. */
const CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const CODE_CHARS = 8;
const MOST_TRIES = 5;

export const VERIFY_PATH = '/cli/auth/verify';

export const deviceRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/cli/auth/device',
    summary: 'Taskless: begin the login of a device',
    scope: null,
    body: { schema: deviceSchema, maxBytes: MAX_BODY_BYTES },
    answers: {
      200: { description: 'What the device polls with, and what a person types.', schema: deviceAnswer },
      429: RATE_LIMITED,
      ...errorAnswers({ scope: null, body: true }),
    },
    onFault: tasklessFault,
    handle: async (context, { body }) => {
      await spendBudget(context, 'auth', addressOf(context));
      return begin(context, body.repository_url ?? null);
    },
  }),
];

async function begin(context: Context<AppEnv>, repository: string | null): Promise<Response> {
  const { devices } = context.get('store');
  const nowMs = Date.now();
  const deviceCode = newToken();
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const userCode = newUserCode();
    const made = await devices.insert({
      device_sha256: await sha256Hex(deviceCode),
      user_code: userCode,
      repository,
      interval_s: INTERVAL_S,
      created_at: new Date(nowMs).toISOString(),
      expires_at: new Date(nowMs + CODE_LIFE_S * 1_000).toISOString(),
    });
    if (!made) continue;
    const uri = new URL(VERIFY_PATH, context.req.url);
    const shown = showCode(userCode);
    return context.json({
      device_code: deviceCode,
      user_code: shown,
      verification_uri: uri.href,
      verification_uri_complete: `${uri.href}?user_code=${shown}`,
      expires_in: CODE_LIFE_S,
      interval: INTERVAL_S,
    });
  }
  throw new Fault('WORKFLOW_UNAVAILABLE', 'no free code was found; try again');
}

/** 34 bits: enough for a code that lives 15 minutes and whose guesses are counted. */
function newUserCode(): string {
  let code = '';
  while (code.length < CODE_CHARS) {
    // What would favour some letters is thrown away.
    for (const byte of crypto.getRandomValues(new Uint8Array(CODE_CHARS))) {
      if (byte < 240 && code.length < CODE_CHARS) code += CODE_LETTERS[byte % 20];
    }
  }
  return code;
}

export function showCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** What a person typed, as it is stored: letter case, dashes and spaces do not matter. */
export function readCode(typed: string): string {
  return typed.toUpperCase().replace(/[^A-Z]/g, '');
}
