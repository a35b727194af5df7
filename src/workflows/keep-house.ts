/**
 * What cron does beside waking: deletes what was asked for and what is past its time. A bounded part of it each
 * time, and each part by itself, so that one that fails keeps no other from being done.
 */
import { type Bindings, type Config, loadConfig } from '../env.ts';
import { messageOf } from '../errors.ts';
import { log } from '../logger.ts';
import { openStore, type Store } from '../store/store.ts';
import { expireKeys } from './expire-keys.ts';

/** Of one run of cron, every minute: 72 000 a day, some four requests to the platform each. */
const MOST_GENERATIONS = 50;
const MOST_LIVE = 100;
const DAY_MS = 86_400_000;

export async function keepHouse(bindings: Bindings, now: Date): Promise<void> {
  const config = await loadConfig(bindings);
  const store = openStore(config.db, config.bucket);
  await part('expire_keys', async () => ({ expired: await expireKeys(bindings, now) }));
  await part('expire_generations', () => markExpired(config, store, now));
  await part('expire_events', () => expireEvents(config, store, now));
  await part('delete_generations', () => deleteGenerations(store, now));
  await part('delete_organisations', () => deleteOrganisations(config, store, now));
}

async function part(name: string, work: () => Promise<Readonly<Record<string, number>>>): Promise<void> {
  try {
    const counts = await work();
    if (Object.values(counts).some((n) => n > 0)) log('info', name, counts);
  } catch (error) {
    log('error', `${name}_failed`, { message: messageOf(error) });
  }
}

async function markExpired({ retention }: Config, store: Store, now: Date): Promise<{ expired: number }> {
  if (retention.generationsDays === null) return { expired: 0 };
  const before = daysBefore(now, retention.generationsDays);
  return { expired: await store.deletions.markExpired(before, MOST_GENERATIONS, now.toISOString()) };
}

async function expireEvents({ retention }: Config, store: Store, now: Date): Promise<{ rows: number }> {
  if (retention.eventsDays === null) return { rows: 0 };
  const before = daysBefore(now, retention.eventsDays);
  return { rows: await store.deletions.expireEvents(before, MOST_GENERATIONS, now.toISOString()) };
}

async function deleteGenerations(
  { deletions }: Store,
  now: Date,
): Promise<{ deleted: number; objects: number }> {
  let objects = 0;
  const due = await deletions.due(now, MOST_GENERATIONS);
  for (const one of due) objects += await deletions.sweep(one, now);
  return { deleted: due.length, objects };
}

async function deleteOrganisations(
  config: Config,
  store: Store,
  now: Date,
): Promise<{ deleted: number; objects: number; rows: number }> {
  const sum = { deleted: 0, objects: 0, rows: 0 };
  for (const one of await store.orgDeletions.due()) {
    await cancelAll(config, store, one.org_id, now);
    const { objects, rows, done } = await store.orgDeletions.sweep(one, now);
    sum.objects += objects;
    sum.rows += rows;
    sum.deleted += done ? 1 : 0;
  }
  return sum;
}

/** What still runs would go on writing. */
async function cancelAll(config: Config, store: Store, orgId: string, now: Date): Promise<void> {
  const reason = { code: 'CANCELLED', message: 'the organisation is being deleted' };
  // First, or they would make more.
  for (const { id } of await store.batches.list(orgId, undefined, MOST_LIVE)) {
    await store.batches.cancel(orgId, id, reason, now.toISOString());
  }
  for (const id of await store.generations.aliveOf(orgId, MOST_LIVE)) {
    await store.generations.end(id, 'cancelled', reason, now.toISOString());
    const stopped = config.workflow.get(id).then((instance) => instance.terminate());
    // It ends by itself at its next step, too.
    await stopped.catch(() => undefined);
  }
}

function daysBefore(now: Date, days: number): string {
  return new Date(now.getTime() - days * DAY_MS).toISOString();
}
