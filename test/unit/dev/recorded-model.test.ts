/** The recorded model, driven by the real SDK: what the service will see is what is tested. */
import { fileURLToPath } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { type ModelServer, type RecordedAnswer, startModelServer } from '../../../dev/model-server.ts';
import { recordedReplies } from '../../../dev/recorded-model.ts';
import goRequest from '../../../fixtures/rules/go-wrap-errors/request.json' with { type: 'json' };
import { replySchema } from '../../../src/schema/reply.ts';

const FIXTURES = fileURLToPath(new URL('../../../fixtures', import.meta.url));
const PARAMS = {
  model: 'claude-opus-5',
  max_tokens: 1024,
  messages: [{ role: 'user' as const, content: 'Hello' }],
};

const servers: ModelServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serving(reply: RecordedAnswer | Parameters<typeof startModelServer>[0]['reply']) {
  const server = await startModelServer({ reply: typeof reply === 'function' ? reply : () => reply });
  servers.push(server);
  const client = new Anthropic({ apiKey: 'test-key', authToken: null, baseURL: server.url, maxRetries: 0 });
  return { server, client };
}

function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

async function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('the call succeeded');
}

describe('messages', () => {
  const text = 'A reply with "quotes", two\nlines and a 🦀.'.repeat(20);

  it('answers a plain call', async () => {
    const { client, server } = await serving({ kind: 'text', text });
    const { data, request_id } = await client.messages.create(PARAMS).withResponse();
    expect(textOf(data)).toBe(text);
    expect(data).toMatchObject({ role: 'assistant', model: PARAMS.model, stop_reason: 'end_turn' });
    expect(data.usage).toMatchObject({ input_tokens: 2, output_tokens: Math.ceil(text.length / 4) });
    expect(request_id).toBe('req_recorded_1');
    expect(server.calls).toHaveLength(1);
    expect(server.calls[0]).toMatchObject({ index: 0, body: PARAMS });
    expect(server.calls[0]?.headers['anthropic-version']).toBeDefined();
  });

  it('answers the same as a stream, in several deltas', async () => {
    const { client } = await serving({ kind: 'text', text });
    const deltas: string[] = [];
    const stream = client.messages.stream(PARAMS).on('text', (delta) => deltas.push(delta));
    const message = await stream.finalMessage();
    expect(deltas).toHaveLength(4);
    expect(textOf(message)).toBe(text);
    expect(message.stop_reason).toBe('end_turn');
    expect(message.usage).toMatchObject({ input_tokens: 2, output_tokens: Math.ceil(text.length / 4) });
    expect(stream.request_id).toBe('req_recorded_1');
  });

  it('streams an empty text', async () => {
    const { client } = await serving({ kind: 'text', text: '' });
    expect(textOf(await client.messages.stream(PARAMS).finalMessage())).toBe('');
  });

  it.each(['max_tokens', 'refusal'] as const)('passes the stop reason %s on', async (stopReason) => {
    const { client } = await serving({ kind: 'text', text: 'Half', stopReason });
    const streamed = await client.messages.stream(PARAMS).finalMessage();
    const plain = await client.messages.create(PARAMS);
    for (const message of [streamed, plain]) {
      expect(message.stop_reason).toBe(stopReason);
      expect(message.stop_details?.type).toBe(stopReason === 'refusal' ? 'refusal' : undefined);
    }
  });

  it('counts a cached prefix as written once and read afterwards', async () => {
    const { client } = await serving({ kind: 'text', text: 'ok' });
    const system = [
      { type: 'text' as const, text: 'x'.repeat(4000), cache_control: { type: 'ephemeral' as const } },
    ];
    const first = await client.messages.create({ ...PARAMS, system });
    const second = await client.messages.stream({ ...PARAMS, system }).finalMessage();
    expect(first.usage).toMatchObject({
      input_tokens: 2,
      cache_creation_input_tokens: 1000,
      cache_read_input_tokens: 0,
    });
    expect(second.usage).toMatchObject({
      input_tokens: 2,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 1000,
    });
  });

  it('numbers the calls and lets the reply depend on them', async () => {
    const { client, server } = await serving((call) => ({ kind: 'text', text: `call ${call.index}` }));
    expect(textOf(await client.messages.create(PARAMS))).toBe('call 0');
    expect(textOf(await client.messages.create(PARAMS))).toBe('call 1');
    expect(server.calls.map((call) => call.index)).toEqual([0, 1]);
  });
});

describe('faults', () => {
  it.each([
    [429, 'rate_limit_error', Anthropic.RateLimitError],
    [529, 'overloaded_error', Anthropic.APIError],
    [400, 'invalid_request_error', Anthropic.BadRequestError],
    [401, 'authentication_error', Anthropic.AuthenticationError],
    [500, 'api_error', Anthropic.InternalServerError],
  ])('status %i becomes the error of the SDK', async (status, type, errorClass) => {
    const headers = { 'retry-after': '7' };
    const { client } = await serving({ kind: 'error', status, type, message: 'No.', headers });
    for (const call of [client.messages.create(PARAMS), client.messages.stream(PARAMS).finalMessage()]) {
      const error = await failureOf(call);
      expect(error).toBeInstanceOf(errorClass);
      expect(error).toMatchObject({ status, type });
      expect((error as InstanceType<typeof Anthropic.APIError>).headers?.get('retry-after')).toBe('7');
    }
  });

  it('breaks the connection in the middle of an answer', async () => {
    const { client } = await serving({ kind: 'reset' });
    const deltas: string[] = [];
    const stream = client.messages.stream(PARAMS).on('text', (delta) => deltas.push(delta));
    expect(await failureOf(stream.finalMessage())).toBeInstanceOf(Error);
    expect(deltas.length).toBeGreaterThan(0);
    expect(await failureOf(client.messages.create(PARAMS))).toBeInstanceOf(Error);
  });

  it('hangs until the client gives up, and close() does not wait', async () => {
    const { client, server } = await serving({ kind: 'hang' });
    const error = await failureOf(client.messages.create(PARAMS, { timeout: 100 }));
    expect(error).toBeInstanceOf(Anthropic.APIConnectionTimeoutError);
    const pending = failureOf(client.messages.stream(PARAMS).finalMessage());
    await expect.poll(() => server.calls.length).toBe(2);
    await server.close();
    expect(await pending).toBeInstanceOf(Error);
  });

  it('waits before it answers', async () => {
    const { client } = await serving({ kind: 'text', text: 'late', delayMs: 60 });
    const start = performance.now();
    await client.messages.create(PARAMS);
    expect(performance.now() - start).toBeGreaterThanOrEqual(55);
  });

  it('answers 500 when the reply function throws', async () => {
    const { client } = await serving(() => {
      throw new Error('no tape');
    });
    expect(await failureOf(client.messages.create(PARAMS))).toMatchObject({ status: 500, type: 'api_error' });
  });
});

describe('malformed calls', () => {
  const good = { method: 'POST', headers: { authorization: 'Bearer k' }, body: JSON.stringify(PARAMS) };

  it.each([
    ['no JSON', '/v1/messages', { ...good, body: '{"model":' }, 400, 'invalid_request_error'],
    [
      'no messages',
      '/v1/messages',
      { ...good, body: '{"model":"m","max_tokens":1}' },
      400,
      'invalid_request_error',
    ],
    ['null', '/v1/messages', { ...good, body: 'null' }, 400, 'invalid_request_error'],
    ['no key', '/v1/messages', { ...good, headers: {} }, 401, 'authentication_error'],
    ['unknown route', '/v1/complete', good, 404, 'not_found_error'],
    ['wrong method', '/v1/messages', { method: 'GET' }, 404, 'not_found_error'],
    ['too large', '/v1/messages', { ...good, body: 'x'.repeat(33 * 1024 * 1024) }, 413, 'request_too_large'],
  ])('%s', async (_name, path, init, status, type) => {
    const { server } = await serving({ kind: 'text', text: 'never' });
    const response = await fetch(server.url + path, init);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ type: 'error', error: { type } });
    expect(server.calls).toHaveLength(0);
  });
});

describe('recorded replies', () => {
  async function ask(...turns: Anthropic.MessageParam[]) {
    const { client } = await serving(await recordedReplies(FIXTURES));
    const messages: Anthropic.MessageParam[] = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Write a rule.' },
          { type: 'text', text: `<request>\n${goRequest.prompt}\n</request>` },
        ],
      },
      ...turns,
    ];
    const message = await client.messages.stream({ ...PARAMS, messages }).finalMessage();
    return replySchema.parse(JSON.parse(textOf(message)));
  }
  const feedback = [
    { role: 'assistant', content: '{}' },
    { role: 'user', content: [{ type: 'text', text: 'It is noisy.' }] },
  ] satisfies Anthropic.MessageParam[];

  it('gives the first reply to the first turn and the second after feedback', async () => {
    const first = await ask();
    const second = await ask(...feedback);
    expect(first.name).toBe('go-wrap-errors');
    expect(second.name).toBe('go-wrap-errors');
    expect(second.check).not.toBe(first.check);
  });

  it('repeats the last reply', async () => {
    expect(await ask(...feedback, ...feedback, ...feedback)).toEqual(await ask(...feedback));
  });

  it('says that an unknown prompt has no recording', async () => {
    const { client } = await serving(await recordedReplies(FIXTURES));
    const error = await failureOf(client.messages.create(PARAMS));
    expect(error).toMatchObject({ status: 404, type: 'not_found_error' });
    expect((error as Error).message).toMatch(/recorded.*live model/s);
  });
});
