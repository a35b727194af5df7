/**
 * What the platform itself costs: a Worker that answers nothing, and a Workflow with as many steps as a generation has
 * and results as large, which do nothing, or store as often as a generation does. Served by the load benchmark only.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { durable } from '../../src/workflows/durable.ts';

interface EmptyParams {
  readonly steps: number;
  readonly resultChars: number;
  /** Rows and objects of each step, on average. */
  readonly rows: number;
  readonly objects: number;
}

interface EmptyBindings {
  readonly EMPTY: Workflow<EmptyParams>;
  readonly DB: D1Database;
  readonly BUCKET: R2Bucket;
}

const ROW = 'r'.repeat(200);
const OBJECT = 'o'.repeat(1_500);

const CONFIG = { retries: { limit: 4, delay: 250, backoff: 'exponential' }, timeout: 60_000 } as const;

export class Empty extends WorkflowEntrypoint<EmptyBindings, EmptyParams> {
  override async run(event: Readonly<WorkflowEvent<EmptyParams>>, step: WorkflowStep): Promise<void> {
    const { steps, resultChars, rows, objects } = event.payload;
    for (let n = 1; n <= steps; n += 1) {
      const result = { n, text: 'x'.repeat(resultChars) };
      await durable(step, { name: `step ${n}`, config: CONFIG }, async () => {
        for (let row = countBefore(n - 1, rows); row < countBefore(n, rows); row += 1) {
          await this.env.DB.prepare('INSERT INTO rows (id, text) VALUES (?1, ?2)')
            .bind(`${event.instanceId}/${row}`, ROW)
            .run();
        }
        for (let one = countBefore(n - 1, objects); one < countBefore(n, objects); one += 1) {
          await this.env.BUCKET.put(`${event.instanceId}/${one}`, OBJECT);
        }
        return result;
      });
    }
  }
}

function countBefore(step: number, perStep: number): number {
  return Math.round(step * perStep);
}

export default {
  /**
   * `/instance?id=…&steps=…&chars=…&rows=…&objects=…` makes an instance, and a GET tells its status; `/table` makes the
   * table; everything else is empty.
   */
  fetch: async (request, { EMPTY, DB }) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/table')
      await DB.exec('CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY, text TEXT NOT NULL)');
    if (pathname !== '/instance') return new Response(null);
    const id = searchParams.get('id') ?? '';
    if (request.method === 'GET') return Response.json(await (await EMPTY.get(id)).status());
    const numberOf = (name: string) => Number(searchParams.get(name));
    const [steps, resultChars] = [numberOf('steps'), numberOf('chars')];
    const [rows, objects] = [numberOf('rows') / steps, numberOf('objects') / steps];
    await EMPTY.create({ id, params: { steps, resultChars, rows, objects } });
    return new Response(null, { status: 202 });
  },
} satisfies ExportedHandler<EmptyBindings>;
