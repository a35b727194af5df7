/** The threads that parse: how many there are, for how long, and for whom. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Kitchen } from '../../isolate/local/kitchen.ts';

const TIMEOUT_MS = 30_000;
const SOURCE = 'export default (): number[] => [];\n';
const stripped = { value: { code: 'export default ()           => [];\n' } };
const never = new AbortController().signal;

let kitchen: Kitchen;
afterEach(() => kitchen.close());

async function until(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 400 && !condition(); tries += 1) await sleep(25);
  return condition();
}

describe('threads', () => {
  it('end when nobody needs them, and start again on need', async () => {
    kitchen = new Kitchen(2, 50);
    await kitchen.warmUp();
    expect(await until(() => kitchen.threads === 0)).toBe(true);
    expect(await kitchen.run('strip', [SOURCE], TIMEOUT_MS, never)).toEqual(stripped);
    expect(await until(() => kitchen.threads === 0)).toBe(true);
  });

  it('are not ended while they work', async () => {
    kitchen = new Kitchen(1, 1);
    const jobs = Array.from({ length: 20 }, () => kitchen.run('strip', [SOURCE], TIMEOUT_MS, never));
    expect(await Promise.all(jobs)).toEqual(Array(20).fill(stripped));
  });

  it('are used for one job at a time, by as many as there may be', async () => {
    kitchen = new Kitchen(2);
    const jobs = Array.from({ length: 12 }, () => kitchen.run('strip', [SOURCE], TIMEOUT_MS, never));
    expect(kitchen.threads).toBe(2);
    expect(await Promise.all(jobs)).toEqual(Array(12).fill(stripped));
    expect(kitchen.threads).toBe(2);
  });
});

describe('a caller', () => {
  it('who leaves while waiting for a thread waits no longer, and takes none', async () => {
    kitchen = new Kitchen(1);
    const first = kitchen.run('strip', [SOURCE], TIMEOUT_MS, never);
    const leave = new AbortController();
    const second = kitchen.run('strip', [SOURCE], TIMEOUT_MS, leave.signal);
    const third = kitchen.run('strip', [SOURCE], TIMEOUT_MS, never);
    await Promise.resolve();
    leave.abort();
    expect(await Promise.race([second, first])).toEqual({ late: true });
    expect(await first).toEqual(stripped);
    expect(await third).toEqual(stripped);
  });

  it('who leaves between the taking of a thread and the job is noticed', async () => {
    kitchen = new Kitchen(1);
    await kitchen.warmUp();
    const leave = new AbortController();
    const asked = kitchen.run('strip', [SOURCE], TIMEOUT_MS, leave.signal);
    leave.abort();
    expect(await asked).toEqual({ late: true });
    expect(await kitchen.run('strip', [SOURCE], TIMEOUT_MS, never)).toEqual(stripped);
  });

  it('of a kitchen that is closed gets no thread', async () => {
    kitchen = new Kitchen(1);
    const first = kitchen.run('strip', [SOURCE], TIMEOUT_MS, never);
    const second = kitchen.run('strip', [SOURCE], TIMEOUT_MS, never);
    await Promise.resolve();
    await kitchen.close();
    expect(await second).toEqual({ late: true });
    expect(await first).toMatchObject({ failure: expect.any(String) });
    expect(await kitchen.run('strip', [SOURCE], TIMEOUT_MS, never)).toEqual({ late: true });
  });
});
