/**
 * What the platform itself costs: a Worker that answers nothing, and a Workflow with as many steps as a generation has,
 * which do nothing. Served by the load benchmark only.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { durable } from '../../src/workflows/durable.ts';

interface EmptyBindings {
  readonly EMPTY: Workflow<{ readonly steps: number }>;
}

const CONFIG = { retries: { limit: 4, delay: 250, backoff: 'exponential' }, timeout: 60_000 } as const;

export class Empty extends WorkflowEntrypoint<EmptyBindings, { readonly steps: number }> {
  override async run(
    event: Readonly<WorkflowEvent<{ readonly steps: number }>>,
    step: WorkflowStep,
  ): Promise<void> {
    for (let n = 1; n <= event.payload.steps; n += 1) {
      await durable(step, { name: `step ${n}`, config: CONFIG }, () => Promise.resolve({ n }));
    }
  }
}

export default {
  /** `/instance?id=…&steps=…` makes an instance, and a GET tells its status; everything else is empty. */
  fetch: async (request, { EMPTY }) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/instance') return new Response(null);
    const id = searchParams.get('id') ?? '';
    if (request.method === 'GET') return Response.json(await (await EMPTY.get(id)).status());
    await EMPTY.create({ id, params: { steps: Number(searchParams.get('steps')) } });
    return new Response(null, { status: 202 });
  },
} satisfies ExportedHandler<EmptyBindings>;
