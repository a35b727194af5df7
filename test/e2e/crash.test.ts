/** A few kills of the crash suite, where the most is at stake; all of them are `npm run crash`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killRun, type World } from '../crash/campaign.ts';
import { Lane } from '../crash/lane.ts';
import { startCountingModel } from '../crash/model.ts';
import { startReceiver } from '../crash/receiver.ts';
import { SCENARIOS } from '../crash/scenarios.ts';

const [signedAtOnce] = SCENARIOS;
let scratch: string;
let world: World;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-crash-'));
  world = { model: await startCountingModel(), receiver: await startReceiver() };
});
afterAll(async () => {
  await world.model.close();
  await world.receiver.close();
  await rm(scratch, { recursive: true, force: true });
});

test('killed when an answer was paid, and when a rule was signed: all of it once', async () => {
  const points = new Set([
    'generate 1 | after r2 put attempts/#/reply.json',
    'sign | after r2 put rule.sigstore.json',
  ]);
  const killedAt: string[] = [];
  const lane = new Lane(join(scratch, 'state'), world.model.url);
  const { played, problems } = await killRun(lane, world, {
    name: 'slim',
    atOnce: 2,
    scenarios: SCENARIOS,
    coverage: {
      grace: () => 0,
      shouldKill: ({ point }) => points.delete(point),
      next: () => signedAtOnce,
    },
    goesOn: () => points.size > 0,
    onKill: (point) => killedAt.push(point),
  });
  await lane.close();
  expect(problems).toEqual([]);
  expect(killedAt).toHaveLength(2);
  expect(played.length).toBeGreaterThanOrEqual(2);
}, 300_000);
