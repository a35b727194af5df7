/** The requests a batch was made with: several to an object, so that neither objects nor what is read grow large. */
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
  const request = text === null ? undefined : (JSON.parse(text) as unknown[])[position % PER_OBJECT];
  if (request === undefined) throw new Fault('STORE_MISSING', `request ${position} of the batch is missing`);
  return JSON.stringify(request);
}
