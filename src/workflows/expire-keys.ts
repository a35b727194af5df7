/** Forgets idempotency keys that are past their life. The route does not honour them either; this frees the rows. */
import { type Bindings, loadConfig } from '../env.ts';
import { KEY_LIFE_MS } from '../store/idempotency.ts';
import { openStore } from '../store/store.ts';

/** Returns how many were forgotten. */
export async function expireKeys(bindings: Bindings, now: Date): Promise<number> {
  const config = await loadConfig(bindings);
  const before = new Date(now.getTime() - KEY_LIFE_MS).toISOString();
  return openStore(config.db, config.bucket).idempotency.purge(before);
}
