/**
 * The log's own record, in the SQLite storage of its Durable Object: the entries in their order and every
 * node of the tree over them. Append only: nothing here changes or removes a row, but for the one that says
 * how far the log was published.
 */
import type { ReadNode } from '../tree.ts';

export interface Node {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
}

export interface Published {
  readonly size: number;
  /** The signed note. */
  readonly checkpoint: string;
}

export class Ledger {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS entries (idx INTEGER PRIMARY KEY, bundle TEXT NOT NULL UNIQUE);
      CREATE TABLE IF NOT EXISTS nodes (
        level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS published (
        one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, checkpoint TEXT NOT NULL
      );
    `);
  }

  size(): number {
    return this.#storage.sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM entries').one().n;
  }

  /** `null` when the bundle has no place yet. */
  indexOf(bundle: string): number | null {
    const rows = this.#storage.sql.exec<{ idx: number }>('SELECT idx FROM entries WHERE bundle = ?', bundle);
    return rows.toArray()[0]?.idx ?? null;
  }

  /** Digests of entries `[from, to)`, in order. */
  bundles(from: number, to: number): string[] {
    return this.#storage.sql
      .exec<{ bundle: string }>(
        'SELECT bundle FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx',
        from,
        to,
      )
      .toArray()
      .map((row) => row.bundle);
  }

  readonly read: ReadNode = async (level, index) => {
    const { hash } = this.#storage.sql
      .exec<{ hash: ArrayBuffer }>('SELECT hash FROM nodes WHERE level = ? AND idx = ?', level, index)
      .one();
    return new Uint8Array(hash);
  };

  /** Hashes of nodes `[first, first + count)` of a level, in order. */
  row(level: number, first: number, count: number): Uint8Array[] {
    return this.#storage.sql
      .exec<{ hash: ArrayBuffer }>(
        'SELECT hash FROM nodes WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx',
        level,
        first,
        first + count,
      )
      .toArray()
      .map((row) => new Uint8Array(row.hash));
  }

  /** Gives the bundles the next indexes, from `from` on; all of it or nothing, and on disk when it returns. */
  async append(from: number, bundles: readonly string[], nodes: readonly Node[]): Promise<void> {
    this.#storage.transactionSync(() => {
      if (this.size() !== from) throw new Error('the log grew meanwhile');
      for (const [at, bundle] of bundles.entries()) {
        this.#storage.sql.exec('INSERT INTO entries (idx, bundle) VALUES (?, ?)', from + at, bundle);
      }
      for (const { level, index, hash } of nodes) {
        const bytes = hash.slice().buffer as ArrayBuffer;
        this.#storage.sql.exec('INSERT INTO nodes (level, idx, hash) VALUES (?, ?, ?)', level, index, bytes);
      }
    });
    await this.#storage.sync();
  }

  published(): Published | null {
    return (
      this.#storage.sql
        .exec<{ size: number; checkpoint: string }>('SELECT size, checkpoint FROM published')
        .toArray()[0] ?? null
    );
  }

  /** @throws Error when it would go back */
  async publish({ size, checkpoint }: Published): Promise<void> {
    if (size < (this.published()?.size ?? 0)) throw new Error('a log never shrinks');
    this.#storage.sql.exec(
      'INSERT OR REPLACE INTO published (one, size, checkpoint) VALUES (1, ?, ?)',
      size,
      checkpoint,
    );
    await this.#storage.sync();
  }
}
