/** The Taskless client's requests, header by header as it sends them. */
import { expect } from 'vitest';
import type { Owner } from '../../../src/schema/owners.ts';
import type { RuleStatus } from '../../../src/schema/taskless.ts';
import { type Answer, call } from '../client.ts';

export const REPOSITORY = 'https://github.com/Acme/widgets';

const NODE_FETCH = {
  'x-taskless-cli-version': '0.10.2',
  accept: '*/*',
  'accept-language': '*',
  'sec-fetch-mode': 'cors',
  'user-agent': 'node',
  'accept-encoding': 'gzip, deflate',
};

/** @param token absent: that of the first organisation; `null`: none */
export function cli<T = Record<string, unknown>>(
  path: string,
  body?: unknown,
  token?: string | null,
): Promise<Answer<T>> {
  return call<T>(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: NODE_FETCH,
    ...(body === undefined ? {} : { body }),
    ...(token === undefined ? {} : { token }),
  });
}

/** Has the first organisation cover `owner`. */
export async function cover(owner: string, more: object = {}, token?: string): Promise<Owner> {
  const body = { owner, ...more };
  const answer = await call<Owner>('/v1/owners', { method: 'POST', body, ...(token ? { token } : {}) });
  expect(answer.status).toBe(200);
  return answer.body;
}

export async function poll(id: string): Promise<RuleStatus> {
  for (let tries = 0; tries < 400; tries += 1) {
    const { status, body } = await cli<RuleStatus>(`/cli/api/rule/${id}`);
    expect(status).toBe(200);
    if (!['accepted', 'classifying', 'building'].includes(body.status)) return body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`request ${id} did not end`);
}
