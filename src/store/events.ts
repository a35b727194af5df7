/**
 * The append-only event log of a generation. An event's key makes it happen once however often a step runs, and
 * `ended` is the last: whoever follows stops there.
 */
import type { GenerationEvent } from '../schema/api.ts';
import type { Change } from './changed.ts';

interface EventRow {
  readonly seq: number;
  readonly type: string;
  readonly data: string;
  readonly at: string;
}

export interface NewEvent {
  /** Unique within the generation, for example `attempt:2:judged`. */
  readonly key: string;
  readonly type: GenerationEvent['type'];
  readonly data: Readonly<Record<string, unknown>>;
}

export class EventStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Nothing happens when the generation has ended meanwhile. */
  appending(
    { orgId, generationId }: { readonly orgId: string; readonly generationId: string },
    { key, type, data }: NewEvent,
    at: string,
  ): Change {
    return this.#db
      .prepare(
        `INSERT INTO events (generation_id, org_id, key, type, data, at) SELECT ?1, ?2, ?3, ?4, ?5, ?6
         WHERE EXISTS (SELECT 1 FROM generations WHERE id = ?1 AND ended_at IS NULL) ON CONFLICT DO NOTHING`,
      )
      .bind(generationId, orgId, key, type, JSON.stringify(data), at);
  }

  /** The same event of many generations; each happens once. */
  async appendToMany(
    orgId: string,
    key: string,
    type: GenerationEvent['type'],
    events: readonly { readonly generationId: string; readonly data: Record<string, unknown> }[],
    at: string,
  ): Promise<void> {
    const rows = events.map(({ generationId, data }) => ({ generationId, data: JSON.stringify(data) }));
    await this.#db
      .prepare(
        `INSERT INTO events (generation_id, org_id, key, type, data, at)
         SELECT value ->> 'generationId', ?2, ?3, ?4, value ->> 'data', ?5 FROM json_each(?1) WHERE 1
         ON CONFLICT DO NOTHING`,
      )
      .bind(JSON.stringify(rows), orgId, key, type, at)
      .run();
  }

  async after(orgId: string, generationId: string, seq: number, limit: number): Promise<GenerationEvent[]> {
    const { results } = await this.#db
      .prepare(
        'SELECT seq, type, data, at FROM events WHERE generation_id = ?1 AND org_id = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4',
      )
      .bind(generationId, orgId, seq, limit)
      .all<EventRow>();
    return results.map((row) => ({
      seq: row.seq,
      type: row.type as GenerationEvent['type'],
      data: JSON.parse(row.data) as Record<string, unknown>,
      at: row.at,
    }));
  }
}
