import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type ModelServer, type RecordedAnswer, startModelServer } from '../../../dev/model-server.ts';
import { AnthropicModel } from '../../../src/models/anthropic.ts';
import { AnthropicBatches, type BatchResult, resultOf } from '../../../src/models/message-batches.ts';
import type { Turn } from '../../../src/models/model.ts';
import type { PriceTable } from '../../../src/models/pricing.ts';

const price = {
  inputUsdPerMTok: 3,
  outputUsdPerMTok: 15,
  cacheWriteUsdPerMTok: 3.75,
  cacheReadUsdPerMTok: 0.3,
};
const prices: PriceTable = { priced: price, dearer: { ...price, batchFactor: 0.8 } };

let server: ModelServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

interface Setup {
  readonly replies?: Record<string, RecordedAnswer>;
  readonly batches?: { delayMs?: number; expiresAfterMs?: number };
}

async function open({ replies = {}, batches = {} }: Setup = {}) {
  server = await startModelServer({
    batches,
    reply: ({ body }) => replies[JSON.stringify(body.messages)] ?? byText(body.messages, replies),
  });
  const options = { apiKey: 'secret-key', baseUrl: server.url, maxTokens: 4_000, prices };
  return { port: new AnthropicBatches(options), options, calls: server.calls };
}

function byText(messages: unknown, replies: Record<string, RecordedAnswer>): RecordedAnswer {
  const text = JSON.stringify(messages);
  const word = Object.keys(replies).find((one) => text.includes(one));
  return (word === undefined ? undefined : replies[word]) ?? { kind: 'text', text: '{"a":1}' };
}

const turns = (text: string): Turn[] => [{ role: 'user', text }];

async function submit(port: AnthropicBatches, ids: string[], model = 'priced') {
  const requests = ids.map((customId) => ({
    customId,
    body: port.bodyOf(model, turns(customId), 'runtime'),
  }));
  return port.create(requests);
}

async function untilEnded(port: AnthropicBatches, id: string) {
  for (let tries = 0; tries < 500; tries += 1) {
    const batch = await port.find(id);
    if (batch.ended) return batch;
    await wait(10);
  }
  throw new Error('the batch did not end');
}

async function resultsOf(port: AnthropicBatches, id: string): Promise<Map<string, BatchResult>> {
  const found = new Map<string, BatchResult>();
  for await (const result of port.results(id, 1_234)) found.set(result.customId, result);
  return found;
}

test('what a batch asks is what a call alone asks, but for streaming', async () => {
  const { port, options, calls } = await open();
  await new AnthropicModel({ ...options, model: 'priced' }).answer(turns('gen-1'), 'sg');
  await port.create([{ customId: 'gen-1', body: port.bodyOf('priced', turns('gen-1'), 'sg') }]);
  const [alone, batched] = calls.map(({ body }) => body);
  expect(alone).toMatchObject({ stream: true, output_config: { format: { type: 'json_schema' } } });
  expect({ ...batched, stream: true }).toEqual(alone);
});

test('an answer is that of a call alone at half its price, or at what the price table says', async () => {
  const { port, options } = await open();
  const costs: Record<string, (number | null | undefined)[]> = {};
  for (const model of ['priced', 'dearer', 'unpriced']) {
    const { id } = await submit(port, ['gen-1'], model);
    const result = (await resultsOf(port, id)).get('gen-1');
    if (result?.kind !== 'answered') throw new Error(`not answered: ${JSON.stringify(result)}`);
    const alone = await new AnthropicModel({ ...options, model }).answer(turns('gen-1'), 'runtime');
    const { usage, costUsd } = result.answer;
    expect(result.answer).toMatchObject({
      text: alone.text,
      stopReason: 'end_turn',
      model,
      durationMs: 1_234,
    });
    // The prefix is written to the cache by the first and read by the second; tokens in all are the same.
    const all = ({ usage: u }: typeof alone) => u.inputTokens + u.cacheReadTokens + u.cacheWriteTokens;
    expect(all({ ...alone, usage })).toBe(all(alone));
    const full =
      (usage.inputTokens * 3 +
        usage.outputTokens * 15 +
        usage.cacheWriteTokens * 3.75 +
        usage.cacheReadTokens * 0.3) /
      1e6;
    costs[model] = [costUsd, full];
  }
  expect(costs.priced?.[0]).toBeCloseTo((costs.priced?.[1] ?? 0) * 0.5, 12);
  expect(costs.dearer?.[0]).toBeCloseTo((costs.dearer?.[1] ?? 0) * 0.8, 12);
  expect(costs.unpriced?.[0]).toBeNull();
});

test('each request ends in its own way', async () => {
  const { port } = await open({
    replies: {
      broken: { kind: 'error', status: 400, type: 'invalid_request_error', message: 'no such thing' },
      late: { kind: 'expired' },
      cut: { kind: 'text', text: '{"a"', stopReason: 'max_tokens' },
    },
  });
  const { id, requests } = await submit(port, ['gen-good', 'gen-broken', 'gen-late', 'gen-cut']);
  expect(requests).toBe(4);
  expect(await port.find(id)).toMatchObject({ ended: true, requests: 4, tookMs: expect.any(Number) });
  const results = await resultsOf(port, id);
  expect(Object.fromEntries([...results].map(([name, result]) => [name, result.kind]))).toEqual({
    'gen-good': 'answered',
    'gen-broken': 'errored',
    'gen-late': 'expired',
    'gen-cut': 'answered',
  });
  expect(results.get('gen-broken')).toMatchObject({ why: 'invalid_request_error: no such thing' });
  expect(results.get('gen-cut')).toMatchObject({ answer: { stopReason: 'max_tokens' } });
});

test('is not ended while it is worked on, and has no results then', async () => {
  const { port } = await open({ replies: { slow: { kind: 'hang' } } });
  const { id, ended, tookMs } = await submit(port, ['gen-slow', 'gen-fast']);
  expect({ ended, tookMs }).toEqual({ ended: false, tookMs: null });
  await expect(resultsOf(port, id)).rejects.toMatchObject({ code: 'MODEL_BAD_REQUEST' });
  await port.cancel(id);
  await untilEnded(port, id);
  const results = await resultsOf(port, id);
  expect(results.get('gen-slow')?.kind).toBe('canceled');
  expect(results.get('gen-fast')?.kind).toBe('answered');
  // Once more changes nothing and is no error.
  await port.cancel(id);
});

test('a batch that nobody works off expires', async () => {
  const { port } = await open({ replies: { slow: { kind: 'hang' } }, batches: { expiresAfterMs: 20 } });
  const { id } = await submit(port, ['gen-slow']);
  await untilEnded(port, id);
  expect((await resultsOf(port, id)).get('gen-slow')?.kind).toBe('expired');
});

test('lists what was made since a time, over all pages, newest first', async () => {
  const { port } = await open();
  const made: string[] = [];
  // More than one page has.
  for (let n = 0; n < 105; n += 1) made.unshift((await submit(port, ['gen-1'])).id);
  expect((await port.madeSince(Date.now() - 60_000)).map(({ id }) => id)).toEqual(made);
  expect(await port.madeSince(Date.now() + 60_000)).toEqual([]);
});

describe('errors become codes', () => {
  test('a batch whose making was not answered may be there all the same', async () => {
    const { port } = await open({ replies: { lost: { kind: 'text', text: 'x', losesBatch: true } } });
    await expect(submit(port, ['gen-lost'])).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(await port.madeSince(0)).toHaveLength(1);
  });

  test('refused requests, unknown batches and a missing key', async () => {
    const { port, options } = await open();
    await expect(submit(port, ['not a valid id'])).rejects.toMatchObject({ code: 'MODEL_BAD_REQUEST' });
    await expect(submit(port, [])).rejects.toMatchObject({ code: 'MODEL_BAD_REQUEST' });
    await expect(submit(port, ['same', 'same'])).rejects.toMatchObject({ code: 'MODEL_BAD_REQUEST' });
    await expect(port.find('msgbatch_unknown')).rejects.toMatchObject({ code: 'MODEL_BAD_REQUEST' });
    const unreachable = new AnthropicBatches({ ...options, baseUrl: 'http://127.0.0.1:1' });
    await expect(submit(unreachable, ['gen-1'])).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  test('an answer that is no batch is not taken for one', async () => {
    const other = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":7}');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port: number } = other.address() as AddressInfo;
    const port = new AnthropicBatches({
      apiKey: 'k',
      baseUrl: `http://127.0.0.1:${number}`,
      maxTokens: 1,
      prices,
    });
    await expect(port.find('x')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    other.closeAllConnections();
    other.close();
  });
});

test.each([
  ['not JSON', 'null'],
  ['{"result":{"type":"expired"}}', 'null'],
  ['{"custom_id":"g","result":{"type":"succeeded","message":{"content":"x"}}}', 'unreadable'],
  ['{"custom_id":"g","result":{"type":"other"}}', 'unreadable'],
  ['{"custom_id":"g","result":{"type":"errored"}}', 'errored'],
])('a line that fits no shape is no answer: %s', (line, kind) => {
  expect(resultOf(line, prices, 0)?.kind ?? 'null').toBe(kind);
});
