/** Forgets idempotency keys and logins that are past their life. No route honours them either; this frees the rows. */
import { type Bindings, loadConfig } from '../env.ts';
import { KEY_LIFE_MS } from '../store/idempotency.ts';
import { openStore } from '../store/store.ts';

/** Returns how many keys were forgotten. */
export async function expireKeys(bindings: Bindings, now: Date): Promise<number> {
  const config = await loadConfig(bindings);
  const before = new Date(now.getTime() - KEY_LIFE_MS).toISOString();
  const store = openStore(config.db, config.bucket);
  await store.devices.purge(now);
  return store.idempotency.purge(before);
}
