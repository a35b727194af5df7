/**
 * The requests a batch was made with: several to an object, so that neither objects nor what is read grow large. One that
 * is to be forgotten is taken out of its object, which nothing else ever changes.
 */
import { Fault } from '../errors.ts';
import type { RuleRequest } from '../schema/request.ts';
import { keys, type ObjectStore } from './objects.ts';

const PER_OBJECT = 100;

export async function putRequests(
  objects: ObjectStore,
  orgId: string,
  batchId: string,
  requests: readonly RuleRequest[],
): Promise<void> {
  for (let chunk = 0; chunk * PER_OBJECT < requests.length; chunk += 1) {
    const part = requests.slice(chunk * PER_OBJECT, (chunk + 1) * PER_OBJECT);
    await objects.putOnce(keys.batchRequests(orgId, batchId, chunk), JSON.stringify(part));
  }
}

/**
 * The request of one item, as text.
 * @throws Fault STORE_MISSING
 */
export async function requestOf(
  objects: ObjectStore,
  orgId: string,
  batchId: string,
  position: number,
): Promise<string> {
  const text = await objects.get(keys.batchRequests(orgId, batchId, Math.floor(position / PER_OBJECT)));
  const request = text === null ? null : (JSON.parse(text) as unknown[])[position % PER_OBJECT];
  if (request == null) throw new Fault('STORE_MISSING', `request ${position} of the batch is missing`);
  return JSON.stringify(request);
}

/** Times that somebody else may have taken another request out of the same object first. */
const MOST_TRIES = 10;

/**
 * Takes out what a deleted generation was made of, unless its item is still to be done.
 * @throws Fault STORE_CONFLICT when others change the object all the time; what asks tries again
 */
export async function forgetRequest(db: D1Database, bucket: R2Bucket, generationId: string): Promise<void> {
  const item = await db
    .prepare(
      `SELECT org_id, batch_id, position FROM batch_items
       WHERE batch_id = (SELECT batch_id FROM generations WHERE id = ?1) AND (generation_id = ?1 OR last_generation_id = ?1)
         AND source_generation IS NULL AND status NOT IN ('waiting', 'started')`,
    )
    .bind(generationId)
    .first<{ org_id: string; batch_id: string; position: number }>();
  if (item === null) return;
  const key = keys.batchRequests(item.org_id, item.batch_id, Math.floor(item.position / PER_OBJECT));
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const object = await bucket.get(key);
    if (object === null) return;
    const requests = await object.json<unknown[]>();
    const at = item.position % PER_OBJECT;
    if (requests[at] == null) return;
    const others = JSON.stringify(requests.with(at, null));
    if ((await bucket.put(key, others, { onlyIf: { etagMatches: object.etag } })) !== null) return;
  }
  throw new Fault('STORE_CONFLICT', 'the requests of a batch are being changed by many at once');
}
