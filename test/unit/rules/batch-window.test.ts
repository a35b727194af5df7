/** When a batch may begin items. */
import { expect, test } from 'vitest';
import { opensAtMs, type Window } from '../../../src/rules/batch-window.ts';

const always: Window = { notBefore: null, dailyFrom: null, dailyTo: null };
const day = { dailyFrom: 9 * 60, dailyTo: 17 * 60 };
const night = { dailyFrom: 22 * 60, dailyTo: 6 * 60 };

test.each<[string, Partial<Window>, string, string | null]>([
  ['no window', {}, '2026-01-01T03:00:00Z', null],
  [
    'before it may begin',
    { notBefore: '2026-01-02T00:00:00Z' },
    '2026-01-01T03:00:00Z',
    '2026-01-02T00:00:00Z',
  ],
  ['from the very moment', { notBefore: '2026-01-02T00:00:00Z' }, '2026-01-02T00:00:00Z', null],
  ['too early in the day', day, '2026-01-01T08:59:59Z', '2026-01-01T09:00:00Z'],
  ['at the first minute', day, '2026-01-01T09:00:00Z', null],
  ['at the last', day, '2026-01-01T16:59:59Z', null],
  ['when it shuts', day, '2026-01-01T17:00:00Z', '2026-01-02T09:00:00Z'],
  ['over midnight, before', night, '2026-01-01T21:59:00Z', '2026-01-01T22:00:00Z'],
  ['over midnight, in it', night, '2026-01-01T23:59:00Z', null],
  ['over midnight, after it', night, '2026-01-01T05:59:00Z', null],
  ['over midnight, shut', night, '2026-01-01T06:00:00Z', '2026-01-01T22:00:00Z'],
  [
    'a date within the hours',
    { ...day, notBefore: '2026-01-03T10:00:00Z' },
    '2026-01-01T10:00:00Z',
    '2026-01-03T10:00:00Z',
  ],
  [
    'a date outside of the hours',
    { ...day, notBefore: '2026-01-03T18:00:00Z' },
    '2026-01-01T10:00:00Z',
    '2026-01-04T09:00:00Z',
  ],
])('%s', (_what, window, now, opens) => {
  const at = opensAtMs({ ...always, ...window }, Date.parse(now));
  expect(at).toBe(opens === null ? null : Date.parse(opens));
});
