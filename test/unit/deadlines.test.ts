import { expect, test } from 'vitest';
import {
  CALLER_TIMEOUT_MS,
  CASE_TIMEOUT_MS,
  HOST_PARALLELISM,
  HOST_TOTAL_TIMEOUT_MS,
} from '../../container/protocol.ts';
import { MODEL_TIMEOUT_MS } from '../../src/models/anthropic.ts';
import { maxCasesPerChunk, planChunks } from '../../src/rules/chunks.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import { MODEL_STEP_TIMEOUT_MS, SANDBOX_STEP_TIMEOUT_MS } from '../../src/workflows/policies.ts';

const TWO_MINUTES_MS = 120_000;
const CONTAINER_SLEEP_AFTER_MS = 240_000;

test('every deadline leaves the one inside it time to answer', () => {
  const ladder = [
    CASE_TIMEOUT_MS,
    HOST_TOTAL_TIMEOUT_MS,
    CALLER_TIMEOUT_MS,
    TWO_MINUTES_MS,
    SANDBOX_STEP_TIMEOUT_MS,
    CONTAINER_SLEEP_AFTER_MS,
  ];
  expect(ladder).toEqual([...ladder].sort((a, b) => a - b));
  expect(new Set(ladder).size).toBe(ladder.length);
  expect(MODEL_TIMEOUT_MS).toBeLessThan(MODEL_STEP_TIMEOUT_MS);
});

test.each([500, 1_000, 2_500, 7_000, 10_000])(
  'a chunk whose every case takes all of %i ms fits the host total',
  (caseTimeoutMs) => {
    const rounds = Math.ceil(maxCasesPerChunk(caseTimeoutMs) / HOST_PARALLELISM);
    expect(rounds * caseTimeoutMs).toBeLessThan(HOST_TOTAL_TIMEOUT_MS);
  },
);

test('chunks hold every case once, in order, whatever their number and size', () => {
  const cases = Array.from(
    { length: 200 },
    (_, n): RuleCase => ({
      name: `case ${n}`,
      kind: n % 2 === 0 ? 'valid' : 'invalid',
      files: { 'a.txt': 'x'.repeat(n % 50 === 0 ? 1_000_000 : 10) },
    }),
  );
  const chunks = planChunks(cases, 10_000);
  expect(chunks.flat()).toEqual(cases);
  for (const chunk of chunks) {
    expect(chunk.length).toBeLessThanOrEqual(maxCasesPerChunk(10_000));
    expect(JSON.stringify(chunk).length).toBeLessThan(4 * 1024 * 1024);
  }
});
