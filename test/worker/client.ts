/** Calls the Worker as a client would, from inside workerd. */
import { env, exports } from 'cloudflare:workers';
import { inject } from 'vitest';
import { type Generation, type GenerationDetail, hasEnded } from '../../src/schema/api.ts';
import type { RuleRequest } from '../../src/schema/request.ts';
import { request } from '../support/rule.ts';
import { assertDeclared } from './contract.ts';

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly body: T;
  /** The body as it came. */
  readonly text: string;
  readonly headers: Headers;
}

interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
}

export async function call<T = Record<string, unknown>>(
  path: string,
  options: CallOptions = {},
): Promise<Answer<T>> {
  const { method = 'GET', body, token = inject('tokens').first, headers = {} } = options;
  const response = await exports.default.fetch(`http://assay.test${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  assertDeclared(method, path, response, parse(text));
  return { status: response.status, body: parse(text) as T, text, headers: response.headers };
}

/** Creates a generation whose model follows `script`, see scripted-model.ts. */
export async function create(script: string, over: Partial<RuleRequest> = {}): Promise<Generation> {
  const body = { ...request, ...over, prompt: `No eval anywhere [[${script}]] ${crypto.randomUUID()}` };
  const created = await call<Generation>('/v1/generations', { method: 'POST', body });
  if (created.status !== 202) throw new Error(`not accepted: ${JSON.stringify(created.body)}`);
  return created.body;
}

export async function untilEnded(id: string): Promise<GenerationDetail> {
  for (let tries = 0; tries < 400; tries += 1) {
    const { body } = await call<GenerationDetail>(`/v1/generations/${id}`);
    if (hasEnded(body.status)) return body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`generation ${id} did not end`);
}

export async function run(script: string, over: Partial<RuleRequest> = {}): Promise<GenerationDetail> {
  return untilEnded((await create(script, over)).id);
}

export async function countRows(tableName: 'generations' | 'rules' | 'spend' | 'events'): Promise<number> {
  const row = await env.DB.prepare(`SELECT COUNT(*) AS n FROM ${tableName}`).first<{ n: number }>();
  return row?.n ?? 0;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
