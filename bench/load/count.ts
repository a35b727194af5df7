/** What became of a batch, counted one by one through the API: what is lost, and what is there twice. */
import type { ApiClient } from '../../cli/client.ts';
import type { Connection } from '../../cli/connection.ts';

export interface Counted {
  readonly generations: number;
  readonly signed: number;
  readonly rules: number;
  readonly bundles: number;
  /** Generations whose events are not one of each. */
  readonly oddEvents: number;
}

const PAGE = 100;
const ABREAST = 8;
const ONCE = ['started', 'classified', 'model_called', 'replied', 'inspected', 'judged', 'ended'];

export async function countBatch(connection: Connection, client: ApiClient, batch: string): Promise<Counted> {
  const generations = await all<{ id: string; status: string; ruleId: string | null }>(
    connection,
    `/v1/generations?batch=${batch}`,
    'generations',
  );
  const rules = await all<{ id: string; bundleSha256: string }>(connection, '/v1/rules?', 'rules');
  const ours = new Set(generations.map(({ ruleId }) => ruleId));
  const published = rules.filter(({ id }) => ours.has(id));
  let oddEvents = 0;
  for (let from = 0; from < generations.length; from += ABREAST) {
    const some = generations.slice(from, from + ABREAST);
    const odd = await Promise.all(some.map(({ id }) => hasOddEvents(client, id)));
    oddEvents += odd.filter(Boolean).length;
  }
  return {
    generations: new Set(generations.map(({ id }) => id)).size,
    signed: generations.filter(({ status }) => status === 'signed').length,
    rules: new Set(published.map(({ id }) => id)).size,
    bundles: new Set(published.map(({ bundleSha256 }) => bundleSha256)).size,
    oddEvents,
  };
}

async function hasOddEvents(client: ApiClient, id: string): Promise<boolean> {
  const types = (await client.events(id, 0)).map(({ type }) => type);
  return ONCE.some((type) => types.filter((one) => one === type).length !== 1) || types.at(-1) !== 'ended';
}

async function all<T>({ url, token }: Connection, path: string, field: string): Promise<T[]> {
  const rows: T[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const next: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const response = await fetch(`${url}${path}&limit=${PAGE}${next}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const page = (await response.json()) as Record<string, unknown>;
    rows.push(...(page[field] as T[]));
    cursor = page.nextCursor as string | null;
  }
  return rows;
}
