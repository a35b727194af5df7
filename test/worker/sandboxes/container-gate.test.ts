/** The gate as a real Durable Object: its record outlives its callers, and its alarm destroys what they left. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ContainerGate } from '../../../src/sandboxes/container-gate.ts';
import { CONTAINER_LIFE_MS, START_LEASE_MS } from '../../../src/sandboxes/container-gate-state.ts';
import { fakeContainers } from './fake-containers.ts';

let gate: DurableObjectStub<ContainerGate>;
let destroyed: string[];
let unwilling: Set<string>;
let now = Date.now();

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now });
  gate = env.CONTAINER_GATE.get(env.CONTAINER_GATE.newUniqueId());
  destroyed = [];
  unwilling = new Set();
  const containers = fakeContainers((id) => ({
    containerFetch: () => Promise.reject(new Error('the gate fetches nothing')),
    destroy: async () => {
      if (unwilling.has(id)) throw new Error('no');
      destroyed.push(id);
    },
  }));
  await runInDurableObject(gate, (instance) => {
    Object.assign(instance, { env: { VERIFICATION_CONTAINER: containers } });
  });
});
afterEach(() => vi.useRealTimers());

const later = (ms: number): void => {
  now = Date.now() + ms;
  vi.setSystemTime(now);
};
const alarmAt = (): Promise<number | null> =>
  runInDurableObject(gate, (_instance, context) => context.storage.getAlarm());
const ids = async (): Promise<string[]> => (await gate.list()).map((one) => one.id);

test('lets one start at a time, and forgets a container that is gone', async () => {
  expect(await gate.enter('a')).toBe(true);
  expect(await gate.enter('b')).toBe(false);
  expect(await gate.started('a')).toBe(true);
  expect(await gate.enter('b')).toBe(true);
  await gate.leave('a');
  await gate.leave('b');
  expect(await ids()).toEqual([]);
  expect(await alarmAt()).toBeNull();
});

test('a container is on record before it may be started', async () => {
  await gate.enter('a');
  const stored = await runInDurableObject(gate, (_instance, context) => context.storage.get('containers'));
  expect(stored).toMatchObject([{ id: 'a' }]);
  expect(await alarmAt()).toBe(Date.now() + START_LEASE_MS);
});

test('what is on record outlives the instance', async () => {
  await gate.enter('a');
  await gate.started('a');
  const again = await runInDurableObject(gate, async (_instance, context) => {
    const next = new ContainerGate(context, env);
    // Its constructor reads the record before anything else is let in.
    await context.blockConcurrencyWhile(async () => {});
    return next.list();
  });
  expect(again).toMatchObject([{ id: 'a', leaseUntil: null }]);
});

test('destroys what is past its deadline, and nothing else', async () => {
  await gate.enter('old');
  await gate.started('old');
  later(CONTAINER_LIFE_MS - 1_000);
  await gate.enter('young');
  await gate.started('young');
  expect(await runDurableObjectAlarm(gate)).toBe(true);
  expect(destroyed).toEqual([]);
  later(1_000);
  expect(await runDurableObjectAlarm(gate)).toBe(true);
  expect(destroyed).toEqual(['old']);
  expect(await ids()).toEqual(['young']);
  expect(await alarmAt()).toBeGreaterThan(Date.now());
});

test('destroys a container whose starter said nothing more, and tells the starter so', async () => {
  await gate.enter('a');
  later(START_LEASE_MS - 1);
  expect(await gate.renew('a')).toBe(true);
  later(START_LEASE_MS);
  await runDurableObjectAlarm(gate);
  expect(destroyed).toEqual(['a']);
  expect(await gate.renew('a')).toBe(false);
  expect(await gate.started('a')).toBe(false);
});

test('tries again until it succeeds, and an unwilling container holds up no other', async () => {
  unwilling.add('stuck');
  for (const id of ['stuck', 'b']) {
    await gate.enter(id);
    await gate.abandon(id);
  }
  await runDurableObjectAlarm(gate);
  expect(destroyed).toEqual(['b']);
  expect(await ids()).toEqual(['stuck']);
  expect(await alarmAt()).toBe(Date.now() + 2_000);
  later(2_000);
  await runDurableObjectAlarm(gate);
  expect(await ids()).toEqual(['stuck']);
  unwilling.clear();
  later(4_000);
  await runDurableObjectAlarm(gate);
  expect(destroyed).toEqual(['b', 'stuck']);
  expect(await ids()).toEqual([]);
  expect(await alarmAt()).toBeNull();
});
