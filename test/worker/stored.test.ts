/** What a generation stored, answered byte for byte to its own organisation and nobody else. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { sha256Hex } from '../../src/rules/digest.ts';
import { DIGEST_HEADER, type GenerationDetail } from '../../src/schema/api.ts';
import { reportSchema } from '../../src/schema/report.ts';
import { requestSchema } from '../../src/schema/request.ts';
import { ruleSchema } from '../../src/schema/rule.ts';
import { goodReply, request } from '../support/rule.ts';
import { call, run } from './client.ts';

let generation: GenerationDetail;
/** Attempt 1 is refused by inspection, 2 is rejected by the cases, 3 is accepted. */
beforeAll(async () => {
  generation = await run('imports, throws, good');
  expect(generation).toMatchObject({ status: 'signed', attempt: 3 });
});

const path = (rest: string) => `/v1/generations/${generation.id}/${rest}`;
const stored = (rest: string) =>
  env.BUCKET.get(`orgs/first/generations/${generation.id}/${rest}`).then((object) => object?.text());

describe('the bytes that are stored', () => {
  test.each([
    ['request', 'request.json', 'application/json'],
    ['attempts/2/rule', 'attempts/2/rule.json', 'application/json'],
    ['attempts/2/report', 'attempts/2/report.json', 'application/json'],
    ['attempts/3/rule', 'attempts/3/rule.json', 'application/json'],
    ['attempts/1/feedback', 'attempts/1/feedback.txt', 'text/plain; charset=utf-8'],
    ['attempts/2/feedback', 'attempts/2/feedback.txt', 'text/plain; charset=utf-8'],
  ])('%s', async (route, key, type) => {
    const expected = await stored(key);
    const { status, headers, text } = await call(path(route));
    expect({ status, text, type: headers.get('content-type') }).toEqual({
      status: 200,
      text: expected,
      type,
    });
    expect(headers.get(DIGEST_HEADER)).toBe(await sha256Hex(expected ?? ''));
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('are what they say: request, rule and report', async () => {
    const sent = requestSchema.parse((await call(path('request'))).body);
    expect(sent.cases).toEqual(request.cases);
    const rule = ruleSchema.parse((await call(path('attempts/3/rule'))).body);
    expect(rule).toMatchObject({ files: { 'check.ts': goodReply.check }, captures: [{ name: 'call' }] });
    const report = reportSchema.parse((await call(path('attempts/2/report'))).body);
    expect(report).toMatchObject({ verdict: 'rejected', sandbox: 'host' });
    expect(report.cases.map((one) => one.error?.message)).toContain('no such thing');
  });

  test('what a second sandbox said has its own', async () => {
    await env.BUCKET.put(
      `orgs/first/generations/${generation.id}/attempts/2/confirmation.json`,
      '{"verdict":"rejected"}',
    );
    expect(await call(path('attempts/2/confirmation'))).toMatchObject({
      status: 200,
      text: '{"verdict":"rejected"}',
    });
  });
});

describe('what is not there has a code', () => {
  test.each<[string, string, number, string, RegExp]>([
    ['a rule that inspection refused', 'attempts/1/rule', 404, 'NO_RULE', /inspection refused the rule/],
    ['a report of no rule', 'attempts/1/report', 404, 'NO_REPORT', /inspection refused the rule/],
    ['feedback of an accepted rule', 'attempts/3/feedback', 404, 'NO_FEEDBACK', /accepted/],
    ['a second report of no rule', 'attempts/1/confirmation', 404, 'NO_CONFIRMATION', /second sandbox/],
    ['an attempt that was not made', 'attempts/4/rule', 404, 'NOT_FOUND', /1 to 3/],
    ['attempt 0', 'attempts/0/rule', 404, 'NOT_FOUND', /no such attempt/],
    ['an attempt in another spelling', 'attempts/02/rule', 404, 'NOT_FOUND', /no such attempt/],
    ['an attempt that is a path', 'attempts/..%2f2/rule', 404, 'NOT_FOUND', /no such attempt/],
    ['an attempt that is no number', 'attempts/last/report', 404, 'NOT_FOUND', /no such attempt/],
    ['another part', 'attempts/2/reply', 404, 'NOT_FOUND', /no such route/],
    ['a key of the bucket', 'attempts/2/chunks', 404, 'NOT_FOUND', /no such route/],
  ])('%s', async (_name, route, status, code, message) => {
    const answer = await call(path(route));
    expect(answer).toMatchObject({
      status,
      body: { ok: false, code, message: expect.stringMatching(message) },
    });
  });

  test('an unknown generation', async () => {
    for (const rest of ['request', 'attempts/1/rule', 'attempts/1/report', 'attempts/1/feedback']) {
      const answer = await call(`/v1/generations/gen-00000000000000000000000000/${rest}`);
      expect(answer, rest).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
  });

  test('a generation whose model gave up has an attempt and no rule', async () => {
    const { id } = await run('refusal');
    expect(await call(`/v1/generations/${id}/attempts/1/rule`)).toMatchObject({
      status: 404,
      body: { code: 'NO_RULE' },
    });
  });

  test('only GET', async () => {
    for (const rest of [
      'request',
      'attempts/2/rule',
      'attempts/2/report',
      'attempts/2/confirmation',
      'attempts/2/feedback',
    ]) {
      const answer = await call(path(rest), { method: 'POST', body: {} });
      expect(answer, rest).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
      expect(answer.headers.get('allow')).toBe('GET');
    }
  });
});

test('another organisation finds nothing of it, and no token gets a 401', async () => {
  for (const rest of [
    'request',
    'attempts/2/rule',
    'attempts/2/report',
    'attempts/3/confirmation',
    'attempts/2/feedback',
  ]) {
    expect(await call(path(rest), { token: inject('tokens').second }), rest).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    });
    expect((await call(path(rest), { token: null })).status, rest).toBe(401);
  }
});

test('a stored request that is not the accepted one any more is our fault, and is not answered', async () => {
  const { id } = await run('refusal');
  const key = `orgs/first/generations/${id}/request.json`;
  const text = (await (await env.BUCKET.get(key))?.text()) ?? '';
  await env.BUCKET.put(key, text.replace('No eval', 'No exec'));
  expect(await call(`/v1/generations/${id}/request`)).toMatchObject({
    status: 500,
    body: { code: 'STORE_CONFLICT' },
  });
  await env.BUCKET.delete(key);
  expect(await call(`/v1/generations/${id}/request`)).toMatchObject({
    status: 500,
    body: { code: 'STORE_MISSING' },
  });
});
