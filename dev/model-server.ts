/**
 * A loopback HTTP server that speaks the Anthropic Messages API, streamed and not, and in batches, and answers
 * with what it is told to, faults included. It refuses to think; it binds to 127.0.0.1 only, and checks of a
 * key no more than that there is one.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { BATCHES_PATH, MAX_BATCH_BODY_BYTES, RecordedBatches } from './model-batches.ts';

/** The limit of the real Messages endpoint. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const CHARACTERS_PER_TOKEN = 4;
const STREAM_CHUNKS = 4;

const contentBlock = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  cache_control: z.unknown().optional(),
});
const content = z.union([z.string(), z.array(contentBlock)]);

export const messagesBody = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  messages: z
    .array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content }))
    .min(1)
    .refine((messages) => messages.some((message) => message.role === 'user'), 'no user message'),
  system: content.optional(),
  stream: z.boolean().optional(),
});

export type MessagesBody = z.infer<typeof messagesBody>;
type Content = z.infer<typeof content>;

const HEADERS_OF_INTEREST = [
  'authorization',
  'x-api-key',
  'anthropic-version',
  'anthropic-beta',
  'user-agent',
  'x-stainless-retry-count',
] as const;

export interface ModelCall {
  /** Position among the well-formed calls this server got, from 0. */
  index: number;
  body: MessagesBody;
  headers: Partial<Record<(typeof HEADERS_OF_INTEREST)[number], string>>;
  /** The message batch this call is a request of; absent when it was made alone. */
  batchId?: string;
}

export type RecordedAnswer = { delayMs?: number } & (
  | {
      kind: 'text';
      text: string;
      stopReason?: 'end_turn' | 'max_tokens' | 'refusal';
      /** The model that says it answered, when it is not the one that was asked. */
      model?: string;
      /** Of a request in a batch: the batch is made, and the answer that says so is lost on the way. */
      losesBatch?: true;
    }
  | { kind: 'error'; status: number; type: string; message: string; headers?: Record<string, string> }
  /** Takes the call and stays silent until the server is closed; in a batch, until that expires or is cancelled. */
  | { kind: 'hang' }
  /** Of a request in a batch: it is not worked on before the batch expires. Alone, the same as silence. */
  | { kind: 'expired' }
  /** Begins a good answer, then breaks the connection. */
  | { kind: 'reset' }
);

export type ErrorAnswer = Extract<RecordedAnswer, { kind: 'error' }>;

export interface ModelServer {
  url: string;
  calls: ModelCall[];
  close(): Promise<void>;
}

export async function startModelServer(options: {
  port?: number;
  reply: (call: ModelCall) => RecordedAnswer | Promise<RecordedAnswer>;
  /** How long a batch is worked on at least, and after what time it expires: 24 hours when absent. */
  batches?: { delayMs?: number; expiresAfterMs?: number };
}): Promise<ModelServer> {
  const calls: ModelCall[] = [];
  const cache: PromptCache = new Set();
  const batches = new RecordedBatches(
    (batchId, body) => {
      const call = { index: calls.length, body, headers: {}, batchId };
      calls.push(call);
      return { call, reply: () => options.reply(call) };
    },
    (call, answer) => messageBody(call, answer, usageOf(call.body, textOf(answer), cache, 'batch')),
    options.batches ?? {},
  );
  const closing = new AbortController();
  let served = 0;

  const server = createServer((request, response) => {
    served += 1;
    response.setHeader('request-id', `req_recorded_${served}`);
    serve(request, response).catch((error: unknown) => {
      if (closing.signal.aborted || response.headersSent) return void response.destroy();
      sendError(response, apiError(500, 'api_error', error instanceof Error ? error.message : String(error)));
    });
  });

  // A client keeps connections for as long as it likes; one that is closed under its next call is an error it did not earn.
  server.keepAliveTimeout = 0;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    if (url.pathname.startsWith(BATCHES_PATH)) return serveBatches(url, request, response);
    const call = await readCall(request, calls.length);
    if ('kind' in call) return sendError(response, call);
    calls.push(call);
    const answer = await options.reply(call);
    if (answer.delayMs !== undefined) await wait(answer.delayMs, undefined, { signal: closing.signal });
    // Nothing to do for silence: close() breaks the connection.
    if (answer.kind === 'hang' || answer.kind === 'expired') return;
    if (answer.kind === 'error') return sendError(response, answer);
    sendMessage(response, call, answer, usageOf(call.body, textOf(answer), cache));
  }

  async function serveBatches(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await readBody(request, MAX_BATCH_BODY_BYTES);
    const refused = bytes === null ? tooLarge(MAX_BATCH_BODY_BYTES) : withoutKey(headersOf(request));
    if (refused !== null || bytes === null) return sendError(response, refused ?? tooLarge(0));
    const answer = await batches.answer(request.method ?? 'GET', url, parseJson(bytes));
    if (answer.kind === 'error') return sendError(response, answer);
    if (answer.kind === 'lost') return void response.destroy();
    const type = answer.kind === 'jsonl' ? 'application/x-jsonl' : 'application/json';
    response.writeHead(200, { 'content-type': type }).end(answer.text);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The call a request makes, or the error that the API answers to it. */
async function readCall(request: IncomingMessage, index: number): Promise<ModelCall | ErrorAnswer> {
  const path = new URL(request.url ?? '/', 'http://127.0.0.1').pathname;
  const bytes = await readBody(request, MAX_BODY_BYTES);
  if (request.method !== 'POST' || path !== '/v1/messages') {
    return apiError(404, 'not_found_error', `Not found: ${request.method} ${path}`);
  }
  if (bytes === null) return tooLarge(MAX_BODY_BYTES);
  const headers = headersOf(request);
  const refused = withoutKey(headers);
  if (refused !== null) return refused;
  const body = messagesBody.safeParse(parseJson(bytes));
  if (!body.success) {
    return apiError(400, 'invalid_request_error', z.prettifyError(body.error));
  }
  return { index, body: body.data, headers };
}

function tooLarge(maxBytes: number): ErrorAnswer {
  return apiError(413, 'request_too_large', `Request exceeds ${maxBytes} bytes`);
}

function withoutKey(headers: ModelCall['headers']): ErrorAnswer | null {
  if (headers.authorization !== undefined || headers['x-api-key'] !== undefined) return null;
  return apiError(401, 'authentication_error', 'Neither authorization nor x-api-key is set');
}

/** Reads to the end even when it is too much, so that the client is ready to read the refusal. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  }
  return size <= maxBytes ? Buffer.concat(chunks) : null;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function headersOf(request: IncomingMessage): ModelCall['headers'] {
  const found: ModelCall['headers'] = {};
  for (const name of HEADERS_OF_INTEREST) {
    const value = request.headers[name];
    if (typeof value === 'string') found[name] = value;
  }
  return found;
}

function sendError(response: ServerResponse, answer: ErrorAnswer): void {
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  const error = { type: answer.type, message: answer.message };
  response.end(JSON.stringify({ type: 'error', error, request_id: response.getHeader('request-id') }));
}

export function apiError(status: number, type: string, message: string): ErrorAnswer {
  return { kind: 'error', status, type, message };
}

export type MessageAnswer = Extract<RecordedAnswer, { kind: 'text' | 'reset' }>;

function textOf(answer: MessageAnswer): string {
  return answer.kind === 'text' ? answer.text : 'This answer breaks off in the middle.';
}

function sendMessage(response: ServerResponse, call: ModelCall, answer: MessageAnswer, usage: Usage): void {
  if (call.body.stream === true) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const events = streamEvents(messageHead(call, answer), textOf(answer), endingOf(answer), usage);
    sendEvents(response, events, answer.kind === 'reset');
    return;
  }
  const body = JSON.stringify(messageBody(call, answer, usage));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  if (answer.kind === 'text') response.end(body);
  else response.write(body.slice(0, body.length / 2), () => response.destroy());
}

function messageHead(call: ModelCall, answer: MessageAnswer) {
  return {
    id: `msg_recorded_${call.index + 1}`,
    type: 'message',
    role: 'assistant',
    model: (answer.kind === 'text' ? answer.model : undefined) ?? call.body.model,
    container: null,
    diagnostics: null,
  };
}

function messageBody(call: ModelCall, answer: MessageAnswer, usage: Usage) {
  const content = [{ type: 'text', text: textOf(answer), citations: null }];
  return { ...messageHead(call, answer), content, ...endingOf(answer), usage };
}

function endingOf(answer: MessageAnswer) {
  const reason = answer.kind === 'text' ? (answer.stopReason ?? 'end_turn') : 'end_turn';
  const details = reason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null;
  return { stop_reason: reason, stop_sequence: null, stop_details: details };
}

type StreamEvent = { type: string } & Record<string, unknown>;

function streamEvents(
  message: object,
  text: string,
  ending: ReturnType<typeof endingOf>,
  usage: Usage,
): StreamEvent[] {
  const unfinished = { content: [], stop_reason: null, stop_sequence: null, stop_details: null };
  const { output_tokens, input_tokens, cache_creation_input_tokens, cache_read_input_tokens } = usage;
  return [
    { type: 'message_start', message: { ...message, ...unfinished, usage: { ...usage, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } },
    { type: 'ping' },
    ...inChunks(text).map((part) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: part },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { ...ending, container: null },
      usage: { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens },
    },
    { type: 'message_stop' },
  ];
}

function sendEvents(response: ServerResponse, events: StreamEvent[], breakOff: boolean): void {
  const sent = breakOff ? events.slice(0, events.length / 2) : events;
  for (const event of sent) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  if (breakOff) response.write(': breaks off here\n', () => response.destroy());
  else response.end();
}

/** Cuts between code points, so that no chunk holds half a surrogate pair. */
function inChunks(text: string): string[] {
  const characters = Array.from(text);
  const size = Math.max(1, Math.ceil(characters.length / STREAM_CHUNKS));
  const starts = Array.from({ length: Math.ceil(characters.length / size) }, (_, index) => index * size);
  return starts.map((start) => characters.slice(start, start + size).join(''));
}

/** The prompt prefixes that ended at a cache breakpoint in earlier calls. */
type PromptCache = Set<string>;
type Usage = ReturnType<typeof usageOf>;

/** Counts tokens by length; a prefix up to a cache breakpoint is written once and read afterwards. */
function usageOf(body: MessagesBody, answer: string, cache: PromptCache, tier = 'standard') {
  const { text, breakpoints } = flatten(body);
  const prefixes = breakpoints.map((end) => text.slice(0, end));
  const read = prefixes.findLast((prefix) => cache.has(prefix))?.length ?? 0;
  const cached = breakpoints.at(-1) ?? 0;
  for (const prefix of prefixes) cache.add(prefix);
  const written = tokens(cached - read);
  return {
    input_tokens: tokens(text.length - cached),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: tokens(read),
    cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
    output_tokens: tokens(answer.length),
    output_tokens_details: null,
    server_tool_use: null,
    service_tier: tier,
    inference_geo: null,
    speed: null,
  };
}

function tokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** The whole prompt in order, and where in it the cache breakpoints are. */
function flatten(body: MessagesBody): { text: string; breakpoints: number[] } {
  const contents = [body.system ?? [], ...body.messages.map((message) => message.content)];
  const breakpoints: number[] = [];
  let text = '';
  for (const block of contents.flatMap(blocksOf)) {
    text += block.text ?? '';
    if (block.cache_control != null) breakpoints.push(text.length);
  }
  return { text, breakpoints };
}

function blocksOf(value: Content): z.infer<typeof contentBlock>[] {
  return typeof value === 'string' ? [{ type: 'text', text: value }] : value;
}

export function firstUserText(body: MessagesBody): string {
  const first = body.messages.find((message) => message.role === 'user');
  const texts = first === undefined ? [] : blocksOf(first.content).map((block) => block.text ?? '');
  return texts.join('\n');
}
