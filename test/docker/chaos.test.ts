/**
 * Containers killed at random moments of many verifications: each ends in the right report or in our own
 * failure, never in a wrong report, and nothing is left. The seed is printed; ASSAY_SUITE_SEED repeats it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { faultCode } from '../../src/errors.ts';
import { verifyAll } from '../../src/sandboxes/verify-all.ts';
import type { Report } from '../../src/schema/report.ts';
import { random } from '../support/random.ts';
import { containersOf, dockerMeanwhile, filtersSyscalls } from './docker.ts';
import { fixtureRules } from './fixture-rules.ts';
import { type Suite, startSuite } from './workerd.ts';

const VERIFICATIONS = 16;
const AT_ONCE = 4;
const GONE_WITHIN_MS = 60_000;
const seed = Number(process.env.ASSAY_SUITE_SEED ?? Date.now() % 1_000_000);

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.stop());

/** Two ways to go: the whole container, or the host in it, which the engine then starts again. */
const WAYS: readonly ((container: string) => readonly string[])[] = [
  (container) => ['kill', container],
  (container) => ['exec', container, 'sh', '-c', 'kill -9 $(cat /proc/1/task/1/children)'],
];

it.skipIf(filtersSyscalls())('kills at random moments', async () => {
  console.warn(`ASSAY_SUITE_SEED=${seed}`);
  const next = random(seed);
  const rules = await fixtureRules();
  const expected = await Promise.all(
    rules.map(async ({ rule, cases }) => statuses(await verifyAll(suite.sandbox, rule, cases, 10_000))),
  );
  let kills = 0;
  const done = new AbortController();
  const seen = new Set<string>();
  const deaths: Promise<void>[] = [];
  /** Most containers die, at some moment between their creation and a usual answer. */
  const killer = (async () => {
    while (!done.signal.aborted) {
      await wait(100);
      for (const container of containersOf(suite.image).filter((id) => !seen.has(id))) {
        seen.add(container);
        if (next() < 0.4) continue;
        const way = WAYS[Math.floor(next() * WAYS.length)] ?? WAYS[0];
        const die = async (afterMs: number): Promise<void> => {
          await wait(afterMs);
          if (way && (await dockerMeanwhile(way(container))).ok) kills += 1;
        };
        deaths.push(die(next() * 2_500));
      }
    }
  })();

  const ends: string[] = [];
  const queue = Array.from({ length: VERIFICATIONS }, (_, n) => n % rules.length);
  const worker = async (): Promise<void> => {
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      const { rule, cases } = rules[index] as (typeof rules)[number];
      try {
        const report = await verifyAll(suite.sandbox, rule, cases, 10_000);
        expect(statuses(report)).toEqual(expected[index]);
        ends.push(report.verdict);
      } catch (error) {
        const code = faultCode(error);
        expect(['SANDBOX_UNAVAILABLE', 'SANDBOX_BAD_ANSWER']).toContain(code);
        ends.push(code);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  done.abort();
  await killer;
  await Promise.all(deaths);
  console.warn(`${kills} kills, ends: ${ends.join(', ')}`);
  expect(ends).toHaveLength(VERIFICATIONS);
  expect(kills).toBeGreaterThan(0);

  const until = Date.now() + GONE_WITHIN_MS;
  while (containersOf(suite.image).length > 0 && Date.now() < until) await wait(250);
  expect(containersOf(suite.image)).toEqual([]);
  expect(await suite.call('gate')).toEqual([]);
});

function statuses(report: Report): object {
  return { verdict: report.verdict, cases: report.cases.map(({ name, status }) => [name, status]) };
}
