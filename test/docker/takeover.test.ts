/** workerd itself dies with a container running: the next one finds it on the gate's record and destroys it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { containersOf, filtersSyscalls } from './docker.ts';
import { type Suite, startSuite } from './workerd.ts';

const GONE_WITHIN_MS = 60_000;
const stateDir = mkdtempSync(join(tmpdir(), 'assay-docker-state-'));
const suites: Suite[] = [];
afterAll(async () => {
  for (const suite of suites) await suite.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

it('a container outlives neither its caller nor workerd', async () => {
  const first = await startSuite(stateDir);
  suites.push(first);
  await first.call('startAndDie', 'orphan').catch((error: unknown) => {
    // A degraded host ends the start; the container is there all the same.
    if (!filtersSyscalls()) throw error;
  });
  await first.kill();
  expect(containersOf(first.image)).toHaveLength(1);

  const second = await startSuite(stateDir);
  suites.push(second);
  expect(await second.call('gate')).toMatchObject([{ id: 'orphan' }]);
  const until = Date.now() + GONE_WITHIN_MS;
  while (containersOf(second.image).length > 0 && Date.now() < until) await wait(250);
  expect(containersOf(second.image)).toEqual([]);
  while ((await second.call<object[]>('gate')).length > 0 && Date.now() < until) await wait(250);
  expect(await second.call('gate')).toEqual([]);
});
