/** Ends what a cancelled batch had under way, one generation after the other, each as any other cancel does. */
import type { Store } from './store.ts';

const REASON = { code: 'CANCELLED', message: 'its batch was cancelled' };

/** Ends at most `limit` of them and settles their items. Returns the ids of those it ended. */
export async function endCancelled(
  store: Pick<Store, 'batchItems' | 'generations'>,
  batchId: string,
  limit: number,
  at: string,
): Promise<string[]> {
  const alive = await store.batchItems.alive(batchId, limit);
  for (const id of alive) await store.generations.end(id, 'cancelled', REASON, at);
  await store.batchItems.settle(batchId);
  return alive;
}
