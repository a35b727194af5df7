/** One scenario through the API, followed to its end across every death of the stack. */
import { setTimeout as wait } from 'node:timers/promises';
import type { GenerationEvent } from '../../src/schema/api.ts';
import type { Lane } from './lane.ts';
import { type Expected, requestOf, type Scenario } from './scenarios.ts';

export interface Played {
  readonly id: string;
  /** Of the model calls that are this generation's. */
  readonly marker: string;
  readonly scenario: string;
  readonly expected: Expected;
  /** Its end may come before the cancel. */
  readonly cancelled: boolean;
  readonly told: boolean;
  /** What a client saw that came back with the last id after every break. */
  readonly streamed: readonly GenerationEvent[];
}

/** @param callbackUrl where scenarios that are told are told */
export async function play(
  lane: Lane,
  scenario: Scenario,
  marker: string,
  callbackUrl: string,
): Promise<Played[]> {
  if (scenario.batch !== undefined) return playBatch(lane, scenario, scenario.batch, marker);
  if (scenario.told) await renewSecret(lane);
  const id = await make(lane, '/v1/generations', requestOf(scenario, marker, callbackUrl), `key-${marker}`);
  const { cancelAfter, retry } = scenario;
  const streamed = await follow(lane, id, async (event) => {
    if (event.type === cancelAfter) await lane.ask('POST', `/v1/generations/${id}/cancel`);
  });
  const first: Played = {
    ...{ id, marker, scenario: scenario.name, expected: scenario.expected, streamed },
    cancelled: cancelAfter !== undefined,
    told: scenario.told ?? false,
  };
  if (retry === undefined) return [first];
  const again = `${marker}-again`;
  const body = { ...retry.body, guidance: `Look at case-${again}.` };
  const next = await make(lane, `/v1/generations/${id}/retry`, body, `key-${again}`);
  const expected = retry.expected;
  const second: Played = {
    ...{
      id: next,
      marker: again,
      scenario: `${scenario.name} (the retry)`,
      expected,
      cancelled: false,
      told: false,
    },
    streamed: await follow(lane, next, () => Promise.resolve()),
  };
  return [first, second];
}

async function playBatch(
  lane: Lane,
  scenario: Scenario,
  items: NonNullable<Scenario['batch']>,
  marker: string,
): Promise<Played[]> {
  const asked = items.map((item, index) => ({ ...item, marker: `${marker}-${index + 1}` }));
  const requests = asked.map((item) => requestOf({ ...scenario, ...item }, item.marker, ''));
  const body = { mode: 'regenerate', requests, concurrency: 2, economy: scenario.economy ?? false };
  const id = await make(lane, '/v1/batches', body, `key-${marker}`);
  while ((await lane.read<{ status: string }>(`/v1/batches/${id}`)).status !== 'done') await wait(200);
  const made = await lane.read<{ items: { generationId: string }[] }>(`/v1/batches/${id}/items`);
  return Promise.all(
    asked.map(async ({ expected, marker: own }, index) => {
      const generation = made.items[index]?.generationId ?? 'none';
      return {
        ...{ id: generation, marker: own, scenario: `item ${index + 1} of ${scenario.name}`, expected },
        ...{ cancelled: false, told: false },
        streamed: await follow(lane, generation, () => Promise.resolve()),
      };
    }),
  );
}

/** Without one no webhook is taken; with one it takes the place of the one before. */
async function renewSecret(lane: Lane): Promise<void> {
  const path = '/v1/webhooks/secrets';
  const { secrets } = await lane.read<{ secrets: { id: string; revokedAt: string | null }[] }>(path);
  const active = secrets.filter(({ revokedAt }) => revokedAt === null);
  const { status } = await lane.ask('POST', path, {});
  // The newest of all is never revoked, whoever else renews at the time. Refused: there are two, the newest first.
  const older = status === 201 ? active : active.slice(1);
  for (const { id } of older) await lane.ask('DELETE', `${path}/${id}`);
}

async function make(lane: Lane, path: string, body: unknown, key: string): Promise<string> {
  const answer = await lane.ask('POST', path, body, key);
  const { id } = answer.body as { id?: string };
  if (id === undefined) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return id;
}

/** Reads the stream until `ended`, coming back with the last id as often as it breaks off. */
async function follow(
  lane: Lane,
  id: string,
  onEvent: (event: GenerationEvent) => Promise<void>,
): Promise<GenerationEvent[]> {
  const seen: GenerationEvent[] = [];
  while (seen.at(-1)?.type !== 'ended') {
    try {
      const client = await lane.client();
      for await (const event of (await client.stream(id, seen.at(-1)?.seq ?? 0)) ?? []) {
        seen.push(event);
        await onEvent(event);
      }
    } catch {
      // It broke off: the stack died.
    }
    await wait(50);
  }
  return seen;
}
