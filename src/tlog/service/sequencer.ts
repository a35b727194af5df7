/**
 * Appends bundles to the log and publishes it: first the order, on disk in the ledger; then tiles, entry
 * bundles and indexes in R2, which never change; the checkpoint last. A crash anywhere leaves what was
 * published before, whole, and the next append goes on from the ledger. Appends that come while one is being
 * written are written together. Refuses to sign anything that does not grow from what was signed before.
 */
import { Fault, faultCode, messageOf } from '../../errors.ts';
import { joinBytes, sameBytes } from '../../signing/bytes.ts';
import { type LogSigner, openCheckpoint, signCheckpoint } from '../checkpoint.ts';
import { encodeEntry, isBundleDigest } from '../entry.ts';
import { encodeProof } from '../proof.ts';
import { encodeEntries, newTiles, TILE_HEIGHT, TILE_WIDTH, type Tile } from '../tiles.ts';
import { inclusionProof, rootHash } from '../tree.ts';
import { appendToLedger, restoreLedger } from './grow.ts';
import type { Ledger, Published } from './ledger.ts';
import { logKeys } from './objects.ts';

/** One bundle of entries, so that a batch writes a handful of tiles. */
const MAX_BATCH = TILE_WIDTH;
/** More callers than this are told to come again. */
const MAX_WAITING = 1_000;
/** R2 writes under way at once. */
const WRITES_AT_ONCE = 32;

interface Waiting {
  readonly bundle: string;
  readonly resolve: (proof: string) => void;
  readonly reject: (error: unknown) => void;
}

export class Sequencer {
  readonly #ledger: Ledger;
  readonly #bucket: R2Bucket;
  readonly #signer: LogSigner;
  readonly #waiting: Waiting[] = [];
  #writing = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ledger: Ledger, bucket: R2Bucket, signer: LogSigner) {
    this.#ledger = ledger;
    this.#bucket = bucket;
    this.#signer = signer;
  }

  /**
   * The bundle's proof, once it is in a published tree; the same index whenever it is asked.
   * @throws Fault LOG_UNAVAILABLE, after which asking again is safe; LOG_INCONSISTENT, which needs a person
   */
  async append(bundle: string): Promise<string> {
    if (!isBundleDigest(bundle)) throw new Fault('INTERNAL', 'only a bundle digest can be logged');
    const index = this.#ledger.indexOf(bundle);
    const published = this.#ledger.published();
    if (index !== null && published !== null && index < published.size) return this.#prove(index, published);
    if (this.#waiting.length >= MAX_WAITING) throw new Fault('LOG_UNAVAILABLE', 'too many appends wait');
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bundle, resolve, reject });
      void this.#writeAll();
    });
  }

  /** The published checkpoint; an empty log gets one, too. */
  async checkpoint(): Promise<string> {
    const published = this.#ledger.published();
    if (published !== null) return published.checkpoint;
    try {
      return (await this.#commit([])).checkpoint;
    } catch (error) {
      throw asFault(error);
    }
  }

  async #writeAll(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.#waiting.length > 0) await this.#writeBatch(this.#waiting.splice(0, MAX_BATCH));
    } finally {
      this.#writing = false;
    }
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const published = await this.#commit(batch.map((one) => one.bundle));
      for (const { bundle, resolve } of batch) {
        resolve(await this.#prove(this.#ledger.indexOf(bundle) ?? published.size, published));
      }
    } catch (error) {
      for (const { reject } of batch) reject(asFault(error));
    }
  }

  async #prove(index: number, { size, checkpoint }: Published): Promise<string> {
    return encodeProof({ index, checkpoint, hashes: await inclusionProof(index, size, this.#ledger.read) });
  }

  /** One at a time: what is read of both stores stays true until it is written. */
  #commit(bundles: readonly string[]): Promise<Published> {
    const run = this.#turn.then(() => this.#commitAlone(bundles));
    this.#turn = run.catch(() => undefined);
    return run;
  }

  async #commitAlone(bundles: readonly string[]): Promise<Published> {
    // What is published is read every time: two instances that meet must not both go on.
    const seen = await this.#agreeWithPublished();
    const fresh = [...new Set(bundles)].filter((bundle) => this.#ledger.indexOf(bundle) === null);
    if (fresh.length > 0) await appendToLedger(this.#ledger, fresh);
    const size = this.#ledger.size();
    const published = this.#ledger.published();
    if (seen !== null && published?.size === size && seen.size === size) return published;
    return this.#publish(seen, size);
  }

  /** Everything the new tree has and the published one has not; then, and only then, the checkpoint. */
  async #publish(seen: Seen | null, size: number): Promise<Published> {
    const from = seen?.size ?? 0;
    const writes = [
      ...newTiles(from, size).map((tile) => () => this.#putOnce(logKeys.tile(tile), this.#bytesOf(tile))),
      ...this.#ledger
        .bundles(from, size)
        .map((bundle, at) => () => this.#putOnce(logKeys.index(bundle), toBytes(String(from + at)))),
    ];
    for (let at = 0; at < writes.length; at += WRITES_AT_ONCE) {
      await Promise.all(writes.slice(at, at + WRITES_AT_ONCE).map((write) => write()));
    }
    const root = await rootHash(size, this.#ledger.read);
    const checkpoint = await signCheckpoint({ size, root }, this.#signer);
    const onlyIf = seen === null ? { etagDoesNotMatch: '*' } : { etagMatches: seen.etag };
    if ((await this.#bucket.put(logKeys.checkpoint, checkpoint, { onlyIf })) === null) {
      throw new Fault('LOG_UNAVAILABLE', 'the checkpoint was replaced meanwhile');
    }
    await this.#ledger.publish({ size, checkpoint });
    return { size, checkpoint };
  }

  #bytesOf({ level, index, width }: Tile): Uint8Array<ArrayBuffer> {
    const first = index * TILE_WIDTH;
    if (level === 'entries') {
      return encodeEntries(this.#ledger.bundles(first, first + width).map(encodeEntry));
    }
    return joinBytes(...this.#ledger.row(level * TILE_HEIGHT, first, width));
  }

  /** What is there already has to be the same: a tile that differs would be a second history. */
  async #putOnce(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const written = await this.#bucket.put(key, bytes, { onlyIf: { etagDoesNotMatch: '*' } });
    if (written !== null) return;
    const kept = await this.#bucket.get(key);
    if (kept === null) throw new Fault('LOG_UNAVAILABLE', `${key} cannot be read`);
    if (!sameBytes(new Uint8Array(await kept.arrayBuffer()), bytes)) {
      throw new Fault('LOG_INCONSISTENT', `${key} is there with other bytes`);
    }
  }

  /**
   * The published checkpoint, with the ledger made to contain its tree. A ledger that was lost is read back
   * from the published entries; one that says something else stops the log.
   */
  async #agreeWithPublished(): Promise<Seen | null> {
    const object = await this.#bucket.get(logKeys.checkpoint);
    if (object === null) return null;
    const { origin, key } = this.#signer;
    const note = new Uint8Array(await object.arrayBuffer());
    const opened = await openCheckpoint(note, { origin, key: key.publicKey });
    if (!opened.ok) {
      throw new Fault('LOG_INCONSISTENT', `the published checkpoint is not of this log: ${opened.message}`);
    }
    if (this.#ledger.size() < opened.head.size) await restoreLedger(this.#ledger, this.#bucket, opened.head);
    if (!sameBytes(await rootHash(opened.head.size, this.#ledger.read), opened.head.root)) {
      throw new Fault('LOG_INCONSISTENT', 'the published checkpoint is not of the tree on record');
    }
    return { size: opened.head.size, etag: object.etag };
  }
}

/** The checkpoint object as it was read. */
interface Seen {
  readonly size: number;
  readonly etag: string;
}

function toBytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** What is not known here is a store that failed; asking again is safe then. */
function asFault(error: unknown): unknown {
  if (faultCode(error) !== 'INTERNAL') return error;
  return new Fault('LOG_UNAVAILABLE', `not written: ${messageOf(error)}`, { cause: error });
}
