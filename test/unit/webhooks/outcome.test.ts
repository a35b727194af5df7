/** What an attempt means, and when the next one is. */
import { describe, expect, test } from 'vitest';
import { nextOf, RETRY_DELAYS_MS, retryAfterMs, type Tried } from '../../../src/webhooks/outcome.ts';

const tried = (over: Partial<Tried>): Tried => ({
  status: null,
  problem: null,
  retryAfterMs: null,
  durationMs: 1,
  ...over,
});
const next = (over: Partial<Tried>, n = 1, random = 0) => nextOf(tried(over), n, RETRY_DELAYS_MS, random);
const HOUR_MS = 3_600_000;

test.each([200, 201, 204, 299])('%i is delivered', (status) => {
  expect(next({ status })).toEqual({ status: 'delivered' });
});

test.each([100, 199, 300, 301, 302, 307, 308, 400, 401, 404, 413, 429, 500, 502, 503])(
  '%i is tried again',
  (status) => {
    expect(next({ status })).toEqual({ status: 'pending', delayMs: 5_000 });
  },
);

test('410 ends it, and so does a destination that is not allowed', () => {
  expect(next({ status: 410 })).toEqual({ status: 'gone' });
  expect(next({ problem: 'REFUSED' })).toEqual({ status: 'refused' });
});

test.each(['TIMEOUT', 'UNREACHABLE', 'NO_SECRET', 'NOT_CONFIGURED'] as const)(
  '%s is tried again',
  (problem) => {
    expect(next({ problem })).toMatchObject({ status: 'pending' });
  },
);

describe('the schedule', () => {
  test('goes on for three days, then it failed', () => {
    const delays = RETRY_DELAYS_MS.map((_, at) => next({ status: 500 }, at + 1));
    expect(delays).toEqual(RETRY_DELAYS_MS.map((delayMs) => ({ status: 'pending', delayMs })));
    expect(RETRY_DELAYS_MS.reduce((sum, one) => sum + one, 0)).toBe(75 * HOUR_MS + 35 * 60_000 + 5_000);
    expect(next({ status: 500 }, RETRY_DELAYS_MS.length + 1)).toEqual({ status: 'failed' });
  });

  test('is spread, by a tenth at most', () => {
    expect(next({ status: 500 }, 2, 0.999_999)).toEqual({ status: 'pending', delayMs: 330_000 });
  });

  test('gives a receiver the time it asks for, up to a day', () => {
    expect(next({ status: 429, retryAfterMs: HOUR_MS })).toMatchObject({ delayMs: HOUR_MS });
    expect(next({ status: 503, retryAfterMs: 1 })).toMatchObject({ delayMs: 5_000 });
    expect(next({ status: 429, retryAfterMs: 999 * HOUR_MS })).toMatchObject({ delayMs: 24 * HOUR_MS });
  });
});

test.each([
  ['120', 120_000],
  ['0', 0],
  ['Thu, 01 Jan 1970 00:01:05 GMT', 60_000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  [null, null],
  ['', null],
  ['soon', null],
  ['-1', null],
  ['1.5', null],
  ['99999999999999999999', null],
])('Retry-After %j at the fifth second of time', (header, expected) => {
  expect(retryAfterMs(header, 5_000)).toBe(expected);
});
