import { afterEach, describe, expect, test } from 'vitest';
import {
  type ModelCall,
  type ModelServer,
  type RecordedAnswer,
  startModelServer,
} from '../../../dev/model-server.ts';
import { AnthropicModel, requestParams } from '../../../src/models/anthropic.ts';
import type { PriceTable } from '../../../src/models/pricing.ts';

const prices: PriceTable = {
  'priced-model': {
    inputUsdPerMTok: 3,
    outputUsdPerMTok: 15,
    cacheWriteUsdPerMTok: 3.75,
    cacheReadUsdPerMTok: 0.3,
  },
};

let server: ModelServer;
afterEach(() => server.close());

async function ask(reply: (call: ModelCall) => RecordedAnswer, model = 'priced-model') {
  server = await startModelServer({ reply });
  const client = new AnthropicModel({
    apiKey: 'secret-key',
    baseUrl: server.url,
    model,
    maxTokens: 4_000,
    prices,
  });
  return client.answer(
    [
      { role: 'user', text: 'first' },
      { role: 'assistant', text: 'reply' },
      { role: 'user', text: 'feedback' },
    ],
    'runtime',
  );
}

test('records text, stop reason, request id, tokens and cost', async () => {
  const answer = await ask(() => ({ kind: 'text', text: '{"a":1}' }));
  expect(answer).toMatchObject({ text: '{"a":1}', stopReason: 'end_turn', model: 'priced-model' });
  expect(answer.requestId).toMatch(/\S/);
  expect(answer.usage.outputTokens).toBeGreaterThan(0);
  expect(answer.costUsd).toBeGreaterThan(0);
});

test('an unknown price is null, never a guess', async () => {
  expect((await ask(() => ({ kind: 'text', text: 'x' }), 'priced-model-xl')).costUsd).toBeNull();
});

test('sends one streamed call with structured output and a cached prefix', async () => {
  await ask(() => ({ kind: 'text', text: 'x' }));
  expect(server.calls).toHaveLength(1);
  const body = server.calls[0]?.body as unknown as Record<string, never>;
  expect(body).toMatchObject({
    stream: true,
    max_tokens: 4_000,
    system: [{ cache_control: { type: 'ephemeral' } }],
    output_config: { format: { type: 'json_schema' } },
    messages: [
      { content: [{ text: 'first', cache_control: { type: 'ephemeral' } }] },
      {},
      { content: [{ text: 'feedback' }] },
    ],
  });
});

test('the question for the engine is small: another prompt, few tokens, one answer of two', () => {
  const params = requestParams({ model: 'm', maxTokens: 64_000 }, [{ role: 'user', text: 'x' }], 'classify');
  expect(params.max_tokens).toBe(2_000);
  expect(JSON.stringify(params.system)).toContain('two engines');
  expect(JSON.stringify(params.output_config)).toContain('"enum":["runtime","sg"]');
  expect(requestParams({ model: 'm', maxTokens: 1_000 }, [], 'classify').max_tokens).toBe(1_000);
});

describe('errors become codes', () => {
  const error = (status: number): RecordedAnswer => ({
    kind: 'error',
    status,
    type: 'x',
    message: 'said so',
  });
  test.each([
    [429, 'MODEL_RATE_LIMITED'],
    [529, 'MODEL_UNAVAILABLE'],
    [500, 'MODEL_UNAVAILABLE'],
    [401, 'MODEL_UNAUTHORIZED'],
    [403, 'MODEL_UNAUTHORIZED'],
    [400, 'MODEL_BAD_REQUEST'],
    [413, 'MODEL_BAD_REQUEST'],
  ])('%i is %s, after one call', async (status, code) => {
    await expect(ask(() => error(status))).rejects.toMatchObject({ code });
    expect(server.calls).toHaveLength(1);
  });

  test('a connection that breaks in the middle', async () => {
    await expect(ask(() => ({ kind: 'reset' }))).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  test('no message holds the key', async () => {
    await expect(ask(() => error(401))).rejects.not.toThrow(/secret-key/);
  });
});

test('an endpoint without structured output is asked again in plain text', async () => {
  const answer = await ask((call) =>
    'output_config' in call.body
      ? {
          kind: 'error',
          status: 400,
          type: 'invalid_request_error',
          message: 'output_config: Extra inputs are not permitted',
        }
      : { kind: 'text', text: 'plain' },
  );
  expect(answer.text).toBe('plain');
  expect(server.calls).toHaveLength(2);
});

test.each(['max_tokens', 'refusal'] as const)(
  'stop reason %s is handed on, not thrown',
  async (stopReason) => {
    expect((await ask(() => ({ kind: 'text', text: 'x', stopReason }))).stopReason).toBe(stopReason);
  },
);
