import { expect, test } from 'vitest';
import {
  CALLER_TIMEOUT_MS,
  CASE_TIMEOUT_MS,
  HOST_TOTAL_TIMEOUT_MS,
  MAX_REQUEST_BYTES,
} from '../../container/protocol.ts';
import { MODEL_TIMEOUT_MS } from '../../src/models/anthropic.ts';
import { MAX_CHUNK_CASES, nextChunk } from '../../src/rules/chunks.ts';
import { SLEEP_AFTER_SECONDS } from '../../src/sandboxes/container-deadlines.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import { MODEL_STEP_TIMEOUT_MS, SANDBOX_STEP_TIMEOUT_MS } from '../../src/workflows/policies.ts';

const TWO_MINUTES_MS = 120_000;

test('every deadline leaves the one inside it time to answer', () => {
  const ladder = [
    CASE_TIMEOUT_MS,
    HOST_TOTAL_TIMEOUT_MS,
    CALLER_TIMEOUT_MS,
    TWO_MINUTES_MS,
    SANDBOX_STEP_TIMEOUT_MS,
    SLEEP_AFTER_SECONDS * 1_000,
  ];
  expect(ladder).toEqual([...ladder].sort((a, b) => a - b));
  expect(new Set(ladder).size).toBe(ladder.length);
  expect(MODEL_TIMEOUT_MS).toBeLessThan(MODEL_STEP_TIMEOUT_MS);
});

test('a host has time to start cases in every call, and to end each of them', () => {
  expect(HOST_TOTAL_TIMEOUT_MS - CASE_TIMEOUT_MS).toBeGreaterThan(CASE_TIMEOUT_MS);
});

test('chunks hold every case once, in order, whatever their number and size', () => {
  const cases = Array.from(
    { length: 200 },
    (_, n): RuleCase => ({
      name: `case ${n}`,
      kind: n % 2 === 0 ? 'valid' : 'invalid',
      files: { 'a.txt': (n % 3 === 0 ? '\u0001' : 'x').repeat(n % 50 === 0 ? 1_000_000 : 10) },
    }),
  );
  let pending = cases.map((_, index) => index);
  const order: number[] = [];
  while (pending.length > 0) {
    const chunk = nextChunk(cases, pending);
    expect(chunk.length).toBeGreaterThan(0);
    expect(chunk.length).toBeLessThanOrEqual(MAX_CHUNK_CASES);
    const bytes = JSON.stringify(chunk.map((index) => cases[index])).length;
    expect(chunk.length === 1 || bytes < MAX_REQUEST_BYTES).toBe(true);
    order.push(...chunk);
    pending = pending.filter((index) => !chunk.includes(index));
  }
  expect(order).toEqual(cases.map((_, index) => index));
});
