/** Follows a generation: by its stream of events, and by asking again and again when there is none, or it breaks. */
import { setTimeout as wait } from 'node:timers/promises';
import { type GenerationDetail, type GenerationEvent, hasEnded } from '../src/schema/api.ts';
import type { ApiClient } from './client.ts';
import { eventLine } from './progress.ts';

const POLL_MS = 250;

/** Shows every event once, in order, until the generation has ended. */
export async function follow(
  client: ApiClient,
  id: string,
  show: (line: string) => void,
): Promise<GenerationDetail> {
  let seq = 0;
  const take = (event: GenerationEvent) => {
    seq = event.seq;
    const line = eventLine(event);
    if (line !== null) show(line);
  };
  await listen(client, id, take);
  for (;;) {
    const generation = await client.get(id);
    for (const event of await client.events(id, seq)) take(event);
    if (hasEnded(generation.status)) return generation;
    await wait(POLL_MS);
  }
}

/** What the stream gives, as far as it goes: whatever it misses is asked for afterwards. */
async function listen(client: ApiClient, id: string, take: (event: GenerationEvent) => void): Promise<void> {
  try {
    for await (const event of (await client.stream(id, 0)) ?? []) {
      take(event);
      if (event.type === 'ended') return;
    }
  } catch {
    // Broken off, silent, or not understood: asking says what is wrong, if anything is.
  }
}
