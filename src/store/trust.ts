/**
 * R2: the published trust documents, as one object that is replaced as a whole, so that no reader ever sees
 * a root with a list that does not belong to it. Of two who publish at the same time, one is told so. Knows
 * nothing of signatures: who writes has verified.
 */
import { Fault } from '../errors.ts';
import { type PublishedTrust, publishedTrust } from '../schema/trust.ts';

const KEY = 'trust/published.json';

export interface StoredTrust {
  readonly documents: PublishedTrust;
  /** Changes with every write. */
  readonly etag: string;
}

export class TrustStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  /** @throws Fault STORE_CONFLICT when what is stored is not what this class writes */
  async get(): Promise<StoredTrust | null> {
    const object = await this.#bucket.get(KEY);
    if (object === null) return null;
    const parsed = publishedTrust.safeParse(await object.json().catch(() => null));
    if (!parsed.success) throw new Fault('STORE_CONFLICT', `object ${KEY} is not what was stored`);
    return { documents: parsed.data, etag: object.etag };
  }

  /** Takes the place of `previous`; false when something else has meanwhile. */
  async replace(previous: StoredTrust | null, documents: PublishedTrust): Promise<boolean> {
    const onlyIf = previous === null ? { etagDoesNotMatch: '*' } : { etagMatches: previous.etag };
    return (await this.#bucket.put(KEY, JSON.stringify(documents), { onlyIf })) !== null;
  }
}
