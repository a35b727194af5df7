/**
 * What the platform itself costs: a Worker that answers nothing, and a Workflow with as many steps as a generation has
 * and results as large, which do nothing. Served by the load benchmark only.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { durable } from '../../src/workflows/durable.ts';

interface EmptyParams {
  readonly steps: number;
  readonly resultChars: number;
}

interface EmptyBindings {
  readonly EMPTY: Workflow<EmptyParams>;
}

const CONFIG = { retries: { limit: 4, delay: 250, backoff: 'exponential' }, timeout: 60_000 } as const;

export class Empty extends WorkflowEntrypoint<EmptyBindings, EmptyParams> {
  override async run(event: Readonly<WorkflowEvent<EmptyParams>>, step: WorkflowStep): Promise<void> {
    const { steps, resultChars } = event.payload;
    for (let n = 1; n <= steps; n += 1) {
      const result = { n, text: 'x'.repeat(resultChars) };
      await durable(step, { name: `step ${n}`, config: CONFIG }, () => Promise.resolve(result));
    }
  }
}

export default {
  /** `/instance?id=…&steps=…&chars=…` makes an instance, and a GET tells its status; everything else is empty. */
  fetch: async (request, { EMPTY }) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/instance') return new Response(null);
    const id = searchParams.get('id') ?? '';
    if (request.method === 'GET') return Response.json(await (await EMPTY.get(id)).status());
    const numberOf = (name: string) => Number(searchParams.get(name));
    await EMPTY.create({ id, params: { steps: numberOf('steps'), resultChars: numberOf('chars') } });
    return new Response(null, { status: 202 });
  },
} satisfies ExportedHandler<EmptyBindings>;
