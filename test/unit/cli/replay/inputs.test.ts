import { describe, expect, test } from 'vitest';
import { pickAttempt, pickCases, storedReport } from '../../../../cli/replay/inputs.ts';
import type { GenerationDetail } from '../../../../src/schema/api.ts';
import { acceptedReport, cases } from '../../../support/rule.ts';

const generation = (...sizes: (null | 1)[]): GenerationDetail =>
  ({
    attempts: sizes.map((size, index) => ({
      n: index + 1,
      summary: `summary ${index + 1}`,
      size: size === null ? null : { captures: 1, checkLines: 1 },
    })),
  }) as unknown as GenerationDetail;
const error = (body: () => unknown): unknown => {
  try {
    return body();
  } catch (thrown) {
    return thrown;
  }
};

describe('which attempt', () => {
  test('is the last with a rule, or the one asked for', () => {
    expect(pickAttempt(generation(1, 1, null), undefined).n).toBe(2);
    expect(pickAttempt(generation(1, 1, null), 1).n).toBe(1);
  });

  test.each<[string, GenerationDetail, number | undefined, string, RegExp]>([
    ['none made yet', generation(), undefined, 'NO_ATTEMPT', /no attempt yet/],
    ['not one with a rule', generation(null, null), undefined, 'NO_RULE', /summary 2/],
    ['one that was not made', generation(1, 1), 3, 'NO_ATTEMPT', /has 1, 2$/],
    ['one without a rule', generation(null, 1), 1, 'NO_RULE', /attempt 1 has no rule: summary 1/],
  ])('%s', (_name, made, wanted, code, message) => {
    expect(error(() => pickAttempt(made, wanted))).toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

describe('which cases', () => {
  test('all, or those named, in request order', () => {
    expect(pickCases(cases, undefined)).toEqual(cases);
    expect(pickCases(cases, [])).toEqual(cases);
    expect(pickCases(cases, ['evaluates', 'parses JSON'])).toEqual(cases);
    expect(pickCases(cases, ['evaluates'])).toEqual(cases.slice(1));
  });

  test('an unknown name lists the names there are', () => {
    expect(error(() => pickCases(cases, ['evaluates', 'no such']))).toMatchObject({
      code: 'NO_CASE',
      message: 'there is no case "no such"',
      hint: expect.stringMatching(/parses JSON\n.*evaluates/),
    });
  });
});

test('a sandbox is compared with itself where it has run before', () => {
  const host = acceptedReport();
  const isolate = { ...host, sandbox: 'isolate' as const };
  expect(storedReport([host, isolate], 'isolate')).toBe(isolate);
  expect(storedReport([host, isolate], 'host')).toBe(host);
  expect(storedReport([host], 'container')).toBe(host);
  expect(storedReport([], 'host')).toBeNull();
});
