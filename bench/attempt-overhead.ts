/**
 * What one attempt costs beside the model and the sandbox: steps, storage, inspection, judging, signing.
 * Taken from the service's own records, so that polling and process start do not count.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ApiClient } from '../cli/client.ts';
import { startModelServer } from '../dev/model-server.ts';
import { startStack } from '../dev/stack.ts';
import { type GenerationDetail, type GenerationEvent, hasEnded } from '../src/schema/api.ts';
import { request } from '../test/support/rule.ts';
import { scriptedReplies } from '../test/support/scripted-model.ts';
import { median } from './median.ts';
import type { Measurement } from './run.ts';

const GENERATIONS = 15;
const BUDGET_MS = 250;

export async function measureAttemptOverhead(scratch: string): Promise<Measurement[]> {
  const model = await startModelServer({ reply: scriptedReplies() });
  const stack = await startStack({
    stateDirectory: join(scratch, 'state'),
    model: { apiKey: 'bench', baseUrl: model.url, id: 'bench' },
  });
  try {
    const client = new ApiClient(stack);
    const overheads: number[] = [];
    for (let n = 0; n <= GENERATIONS; n += 1) {
      const { id } = await client.create({ ...request, prompt: `bench ${n} [[silent, silent, good]]` });
      const overheadMs = overheadOf(await ended(client, id), await client.events(id, 0));
      // The first generation warms the isolate.
      if (n > 0) overheads.push(overheadMs);
    }
    const ms = median(overheads);
    return [
      {
        what: `pipeline per attempt beside model and sandbox (median of ${GENERATIONS} generations)`,
        measured: `${Math.round(ms)} ms`,
        budget: `${BUDGET_MS} ms`,
        ratio: ms / BUDGET_MS,
      },
    ];
  } finally {
    await stack.stop();
    await model.close();
  }
}

function overheadOf(generation: GenerationDetail, events: readonly GenerationEvent[]): number {
  const sum = (type: GenerationEvent['type'], field: string) =>
    events
      .filter((event) => event.type === type)
      .reduce((total, event) => total + Number(event.data[field] ?? 0), 0);
  const wallMs = Date.parse(generation.endedAt ?? '') - Date.parse(generation.createdAt);
  const sandboxMs = sum('verified', 'sandboxMs') + sum('confirmed', 'sandboxMs');
  return (wallMs - sum('replied', 'durationMs') - sandboxMs) / generation.attempt;
}

async function ended(client: ApiClient, id: string): Promise<GenerationDetail> {
  for (;;) {
    const generation = await client.get(id);
    if (hasEnded(generation.status)) return generation;
    await wait(100);
  }
}
