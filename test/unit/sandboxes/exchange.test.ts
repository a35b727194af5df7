import { describe, expect, test } from 'vitest';
import { BUILD_HEADER, ISOLATION_FLAGS, MAX_RESPONSE_BYTES } from '../../../container/protocol.ts';
import { openExchange, readAnswer } from '../../../src/sandboxes/exchange.ts';
import type { HostAnswer } from '../../../src/schema/report.ts';
import { answer, build, caseResult, cases, isolation } from '../../support/rule.ts';

const rule = { files: { 'check.ts': '' }, captures: [] };
const exchange = openExchange({ id: 'x', rule, cases, caseTimeoutMs: 1_000 });
const good = () => answer([caseResult({ id: 'c0' }), caseResult({ id: 'c1' })], { nonce: exchange.nonce });

const respond = (body: unknown, init: ResponseInit = {}) =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), {
    headers: { [BUILD_HEADER]: build.id },
    ...init,
  });
const codeOf = async (response: Response) => {
  try {
    await readAnswer(exchange, response, build.id);
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test('the host is told nothing that would give the expected answer away', () => {
  const { body } = openExchange({ id: 'x', rule, cases, caseTimeoutMs: 1_000 });
  for (const telltale of ['"valid"', 'invalid', 'parses JSON', 'evaluates', 'kind'])
    expect(body).not.toContain(telltale);
});

test('cases left out must be named', async () => {
  const some = { ...good(), results: good().results.slice(0, 1), notRun: ['c1'] };
  expect(await readAnswer(exchange, respond(some), build.id)).toEqual(some);
});

test('a good answer is accepted', async () => {
  expect(await readAnswer(exchange, respond(good()), build.id)).toEqual(good());
});

describe('an answer is refused', () => {
  const change = (over: Partial<HostAnswer>) => respond({ ...good(), ...over });
  test.each<[string, () => Response, string]>([
    ['from the platform, not from the host', () => respond(good(), { headers: {} }), 'SANDBOX_UNAVAILABLE'],
    [
      'from another build of the host',
      () => respond(good(), { headers: { [BUILD_HEADER]: 'sha256:other' } }),
      'SANDBOX_UNAVAILABLE',
    ],
    [
      'that names another build than its header',
      () => change({ build: { ...build, id: 'sha256:other' } }),
      'SANDBOX_BAD_ANSWER',
    ],
    ['with the nonce of another call', () => change({ nonce: 'other' }), 'SANDBOX_BAD_ANSWER'],
    ['without one of the cases', () => change({ results: good().results.slice(1) }), 'SANDBOX_BAD_ANSWER'],
    [
      'with one case twice',
      () => change({ results: [...good().results, caseResult({ id: 'c1' })] }),
      'SANDBOX_BAD_ANSWER',
    ],
    ['with a case that was not asked for', () => change({ notRun: ['c7'] }), 'SANDBOX_BAD_ANSWER'],
    [
      'with an unknown outcome',
      () => change({ results: [{ ...caseResult(), outcome: 'passed' as never }, caseResult({ id: 'c1' })] }),
      'SANDBOX_BAD_ANSWER',
    ],
    [
      'with a finding that points outside',
      () =>
        change({
          results: [caseResult({ findings: [{ file: '../x', message: 'm' }] }), caseResult({ id: 'c1' })],
        }),
      'SANDBOX_BAD_ANSWER',
    ],
    ['that is not JSON', () => respond('<html>'), 'SANDBOX_BAD_ANSWER'],
    ['that is too large', () => respond('x'.repeat(MAX_RESPONSE_BYTES + 1)), 'SANDBOX_BAD_ANSWER'],
    [
      'with status 500',
      () =>
        respond(
          { error: { code: 'INTERNAL', message: '' } },
          { status: 500, headers: { [BUILD_HEADER]: build.id } },
        ),
      'SANDBOX_UNAVAILABLE',
    ],
    [
      'with status 400',
      () =>
        respond(
          { error: { code: 'BAD_REQUEST', message: '' } },
          { status: 400, headers: { [BUILD_HEADER]: build.id } },
        ),
      'SANDBOX_REFUSED_INPUT',
    ],
  ])('%s', async (_name, response, code) => {
    expect(await codeOf(response())).toBe(code);
  });

  test.each(ISOLATION_FLAGS)('when the measured wall %s does not hold', async (flag) => {
    const broken = { ...isolation, flags: { ...isolation.flags, [flag]: false } };
    expect(await codeOf(change({ isolation: broken }))).toBe('SANDBOX_NOT_ISOLATED');
  });

  test('a process with limits is no room, whatever its flags say', async () => {
    const claimed = { ...isolation, jail: 'process' as const };
    expect(await codeOf(change({ isolation: claimed }))).toBe('SANDBOX_NOT_ISOLATED');
  });

  test('when a wall was not measured at all', async () => {
    const { tcpBlocked: _absent, ...flags } = isolation.flags;
    expect(await codeOf(change({ isolation: { ...isolation, flags: flags as never } }))).not.toBe('accepted');
  });
});
