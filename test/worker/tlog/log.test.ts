/** The log as a real Durable Object over real R2: one order, one index per bundle, and no way back. */

import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { parseSigningKey, privateKeyPem } from '../../../src/signing/ed25519.ts';
import { type LogKey, openCheckpoint } from '../../../src/tlog/checkpoint.ts';
import { verifyProof } from '../../../src/tlog/proof.ts';
import { Ledger } from '../../../src/tlog/service/ledger.ts';
import { logKeys } from '../../../src/tlog/service/objects.ts';
import { makeProof, tilesOf } from '../../../src/tlog/service/reader.ts';
import { Sequencer } from '../../../src/tlog/service/sequencer.ts';
import { openTree } from '../../../src/tlog/tile-reader.ts';
import { consistencyProof, type TreeHead, verifyConsistency } from '../../../src/tlog/tree.ts';

const encoder = new TextEncoder();
const origin = 'assay.test/own';
const digest = (n: number): string => n.toString(16).padStart(64, '0');
const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => digest(from + at));

let signer: { origin: string; key: NonNullable<Awaited<ReturnType<typeof parseSigningKey>>> };
let logKey: LogKey;

beforeEach(async () => {
  await emptyBucket();
  const key = await parseSigningKey(privateKeyPem(new Uint8Array(32).fill(7)));
  if (key === null) throw new Error('no key');
  signer = { origin, key };
  logKey = { origin, key: key.publicKey };
});

async function emptyBucket(): Promise<void> {
  const { objects } = await env.BUCKET.list({ prefix: 'log/' });
  if (objects.length > 0) await env.BUCKET.delete(objects.map((one) => one.key));
}

/** Runs with a sequencer over a fresh object's storage; `again` is one over the same storage, as after a restart. */
async function withLog(
  work: (log: Sequencer, again: (bucket?: R2Bucket) => Sequencer, ledger: Ledger) => Promise<void>,
  bucket: R2Bucket = env.BUCKET,
): Promise<void> {
  const stub = env.TRANSPARENCY_LOG.get(env.TRANSPARENCY_LOG.newUniqueId());
  await runInDurableObject(stub, async (_instance, { storage }) => {
    const again = (other: R2Bucket = env.BUCKET) => new Sequencer(new Ledger(storage), other, signer);
    await work(new Sequencer(new Ledger(storage), bucket, signer), again, new Ledger(storage));
  });
}

async function publishedHead(): Promise<TreeHead> {
  const object = await env.BUCKET.get(logKeys.checkpoint);
  const opened = await openCheckpoint(new Uint8Array((await object?.arrayBuffer()) ?? []), logKey);
  if (!opened.ok) throw new Error(opened.message);
  return opened.head;
}

const check = (proof: string, bundle: string) => verifyProof(encoder.encode(proof), bundle, logKey);

/** R2 whose writes fail from the `n`-th on, as if the process had died there. */
function failingFrom(n: number): { bucket: R2Bucket; writes: () => number } {
  let writes = 0;
  const put: R2Bucket['put'] = ((...args: Parameters<R2Bucket['put']>) => {
    writes += 1;
    if (writes > n) return Promise.reject(new Error('R2 is gone'));
    return env.BUCKET.put(...args);
  }) as R2Bucket['put'];
  return {
    bucket: { get: env.BUCKET.get.bind(env.BUCKET), put } as unknown as R2Bucket,
    writes: () => writes,
  };
}

describe('appending', () => {
  test('gives every bundle one index for ever, and a proof that verifies', async () => {
    await withLog(async (log) => {
      const first = await log.append(digest(1));
      const second = await log.append(digest(2));
      expect(await check(first, digest(1))).toEqual({ ok: true, index: 0, size: 1 });
      expect(await check(second, digest(2))).toEqual({ ok: true, index: 1, size: 2 });
      expect(await check(await log.append(digest(1)), digest(1))).toEqual({ ok: true, index: 0, size: 2 });
      expect((await publishedHead()).size).toBe(2);
    });
  });

  test('what comes at once is written together, and twice is once', async () => {
    const counting = failingFrom(Number.POSITIVE_INFINITY);
    await withLog(async (log) => {
      const wanted = [...range(0, 300), ...range(0, 300)];
      const proofs = await Promise.all(wanted.map((bundle) => log.append(bundle)));
      const answers = await Promise.all(proofs.map((proof, at) => check(proof, wanted[at] ?? '')));
      expect(answers.map((one) => one.ok && one.index)).toEqual([
        ...range(0, 300).keys(),
        ...range(0, 300).keys(),
      ]);
      expect((await publishedHead()).size).toBe(300);
      // 300 indexes, and a checkpoint with its tiles for each of at most four batches.
      expect(counting.writes()).toBeLessThan(300 + 4 * 6);
    }, counting.bucket);
  });

  test('what is published is enough to make proofs, also across tiles', async () => {
    await withLog(async (log) => {
      await Promise.all(range(0, 250).map((bundle) => log.append(bundle)));
      const before = await publishedHead();
      await Promise.all(range(250, 520).map((bundle) => log.append(bundle)));
      const after = await publishedHead();
      expect([before.size, after.size]).toEqual([250, 520]);
      const read = await openTree(after, tilesOf(env.BUCKET));
      expect(await verifyConsistency(before, after, await consistencyProof(250, 520, read))).toBe(true);
      for (const index of [0, 255, 256, 519]) {
        const proof = await makeProof(env.BUCKET, digest(index), logKey);
        expect(await check(proof ?? '', digest(index))).toEqual({ ok: true, index, size: 520 });
      }
      expect(await makeProof(env.BUCKET, digest(9_999), logKey)).toBeNull();
    });
  });

  test('an empty log has a checkpoint', async () => {
    await withLog(async (log) => {
      expect(await log.checkpoint()).toContain(`${origin}\n0\n47DEQpj8HBSa`);
      expect((await publishedHead()).size).toBe(0);
      await log.append(digest(0));
      expect((await publishedHead()).size).toBe(1);
    });
  });
});

describe('a crash', () => {
  // With 255 entries the next one fills a tile, and one above begins; there the last write is what matters.
  test.each([
    ['any two writes', 3, 4, [0, 1, 2, 3]],
    ['the last tile and the checkpoint', 255, 5, [4]],
  ] as const)(
    'between %s leaves what was published, and the next append goes on',
    async (_when, size, total, dying) => {
      for (const n of dying) {
        await emptyBucket();
        await withLog(async (log, again) => {
          await Promise.all(range(0, size).map((bundle) => log.append(bundle)));
          const before = await publishedHead();
          await expect(again(failingFrom(n).bucket).append(digest(size))).rejects.toThrow('LOG_UNAVAILABLE');
          expect(await publishedHead(), `after ${n} writes`).toEqual(before);
          await openTree(before, tilesOf(env.BUCKET));
          expect(await makeProof(env.BUCKET, digest(size), logKey)).toBeNull();

          const restarted = again();
          const proof = await restarted.append(digest(size + 1));
          expect(await check(proof, digest(size + 1))).toEqual({ ok: true, index: size + 1, size: size + 2 });
          expect(await check(await restarted.append(digest(size)), digest(size))).toMatchObject({
            index: size,
          });
          const after = await publishedHead();
          const read = await openTree(after, tilesOf(env.BUCKET));
          const grown = await consistencyProof(size, size + 2, read);
          expect(await verifyConsistency(before, after, grown)).toBe(true);
        });
      }
      expect(await writesOfOneAppend(size)).toBe(total);
    },
  );

  /** Tile, entries, index, checkpoint; where a tile is filled, the one above too. */
  async function writesOfOneAppend(size: number): Promise<number> {
    const counting = failingFrom(Number.POSITIVE_INFINITY);
    await emptyBucket();
    await withLog(async (log, again) => {
      await Promise.all(range(0, size).map((bundle) => log.append(bundle)));
      await again(counting.bucket).append(digest(size));
    });
    return counting.writes();
  }

  test('a ledger that was lost is read back from what is published, and goes on with the same tree', async () => {
    await withLog(async (log) => {
      await Promise.all(range(0, 300).map((bundle) => log.append(bundle)));
    });
    const before = await publishedHead();
    await withLog(async (log) => {
      expect(await check(await log.append(digest(7)), digest(7))).toEqual({ ok: true, index: 7, size: 300 });
      expect(await publishedHead()).toEqual(before);
      expect(await check(await log.append(digest(900)), digest(900))).toMatchObject({
        index: 300,
        size: 301,
      });
    });
  });
});

test('a bucket that was lost is filled again from the record, and earlier proofs stay good', async () => {
  await withLog(async (log) => {
    await Promise.all(range(0, 5).map((bundle) => log.append(bundle)));
    const before = await publishedHead();
    const proof = await log.append(digest(2));
    await emptyBucket();
    await log.append(digest(5));
    expect(await check((await makeProof(env.BUCKET, digest(2), logKey)) ?? '', digest(2))).toMatchObject({
      index: 2,
      size: 6,
    });
    expect(await check(proof, digest(2))).toMatchObject({ index: 2, size: 5 });
    const after = await publishedHead();
    const read = await openTree(after, tilesOf(env.BUCKET));
    expect(await verifyConsistency(before, after, await consistencyProof(5, 6, read))).toBe(true);
  });
});

describe('nothing is signed', () => {
  const unchanged = async (work: () => Promise<unknown>): Promise<void> => {
    const text = async () => (await env.BUCKET.get(logKeys.checkpoint))?.text();
    const before = await text();
    await expect(work()).rejects.toThrow('LOG_INCONSISTENT');
    expect(await text()).toBe(before);
  };

  test('over a published tree that is not the one on record', async () => {
    await withLog(async (log) => void (await log.append(digest(1))));
    const stolen = await (await env.BUCKET.get(logKeys.checkpoint))?.text();
    await emptyBucket();
    await withLog(async (log) => {
      await log.append(digest(2));
      await env.BUCKET.put(logKeys.checkpoint, stolen ?? '');
      await unchanged(() => log.append(digest(3)));
    });
  });

  test('over a published tree that is larger, and does not begin with the one on record', async () => {
    await withLog(async (log, _again, ledger) => {
      await log.append(digest(1));
      await emptyBucket();
      await withLog(async (other) => {
        await Promise.all(range(2, 5).map((bundle) => other.append(bundle)));
      });
      await unchanged(() => log.append(digest(9)));
      expect(ledger.size()).toBe(1);
    });
  });

  test('over a published checkpoint of another key', async () => {
    await withLog(async (log, again) => {
      await log.append(digest(1));
      const key = await parseSigningKey(privateKeyPem(new Uint8Array(32).fill(8)));
      if (key === null) throw new Error('no key');
      signer = { origin, key };
      await unchanged(() => again().append(digest(2)));
    });
  });

  test('over entries that were changed where they are published', async () => {
    await withLog(async (log) => {
      await Promise.all(range(0, 3).map((bundle) => log.append(bundle)));
    });
    const key = logKeys.tile({ level: 'entries', index: 0, width: 3 });
    const text = await (await env.BUCKET.get(key))?.text();
    await env.BUCKET.put(key, text?.replace(digest(1), digest(5)) ?? '');
    await withLog(async (log, _again, ledger) => {
      await unchanged(() => log.append(digest(9)));
      expect(ledger.size()).toBe(0);
    });
  });

  test('where a tile is there already with other bytes', async () => {
    await withLog(async (log) => {
      await log.append(digest(1));
      await env.BUCKET.put(logKeys.tile({ level: 0, index: 0, width: 2 }), new Uint8Array(64));
      await unchanged(() => log.append(digest(2)));
    });
  });

  test('when the checkpoint is replaced meanwhile: asking again finds that out', async () => {
    await withLog(async (log, again) => {
      await log.append(digest(1));
      const racing = {
        get: env.BUCKET.get.bind(env.BUCKET),
        put: async (...args: Parameters<R2Bucket['put']>) => {
          if (args[0] === logKeys.checkpoint) await env.BUCKET.put(logKeys.checkpoint, 'other');
          return env.BUCKET.put(...args);
        },
      } as unknown as R2Bucket;
      await expect(again(racing).append(digest(2))).rejects.toThrow('LOG_UNAVAILABLE');
      await unchanged(() => again().append(digest(2)));
    });
  });
});

test('what is no bundle digest is not logged', async () => {
  await withLog(async (log) => {
    await expect(log.append('../../etc')).rejects.toThrow('only a bundle digest');
    await expect(log.append(digest(1).toUpperCase().replace('0', 'A'))).rejects.toThrow(
      'only a bundle digest',
    );
  });
});
