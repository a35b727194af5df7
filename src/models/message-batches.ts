/**
 * The Message Batches API: many calls handed over at once, answered within a day, at half the price. What is
 * asked is the body of an ordinary call; what comes back is read as strangers' data and becomes the same
 * `ModelAnswer`. It does not decide when to ask or what follows; it never retries by itself.
 */
import type Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import { Fault } from '../errors.ts';
import { type AnthropicOptions, answerOf, openClient, requestParams, toFault } from './anthropic.ts';
import type { ModelAnswer, Turn } from './model.ts';
import type { TaskName } from './tasks.ts';

/** What the provider takes in one batch at most; a Worker's memory is reached long before the bytes are. */
export const PROVIDER_MAX_REQUESTS = 100_000;
export const PROVIDER_MAX_BYTES = 256 * 1024 * 1024;
/** Longer lines are not read: an answer of 128 000 tokens has about 1 MiB. */
const MAX_LINE_CHARS = 8 * 1024 * 1024;
const LIST_PAGE = 100;
/** Batches of one workspace that are looked through, newest first. */
const MAX_LISTED = 2_000;

export interface BatchRequest {
  /** 1 to 64 of letters, digits, `_` and `-`. */
  readonly customId: string;
  /** From `MessageBatches.bodyOf`, maybe stored meanwhile. */
  readonly body: Record<string, unknown>;
}

/** A batch at the provider, as it is now. */
export interface ProviderBatch {
  readonly id: string;
  readonly ended: boolean;
  /** Requests in it, whatever became of them. */
  readonly requests: number;
  readonly createdAt: string;
  /** From its making to its end; `null` before. */
  readonly tookMs: number | null;
}

export type BatchResult =
  | { readonly customId: string; readonly kind: 'answered'; readonly answer: ModelAnswer }
  /** Not charged; `why` is for people. */
  | { readonly customId: string; readonly kind: Unanswered; readonly why: string }
  /** Said to have an answer, which cannot be read; it may be charged. */
  | { readonly customId: string; readonly kind: 'unreadable'; readonly why: string };

export type Unanswered = 'errored' | 'expired' | 'canceled';

export interface MessageBatches {
  /** The very body that an ordinary call would be made with. */
  bodyOf(model: string, turns: readonly Turn[], task: TaskName): Record<string, unknown>;
  /**
   * Not safe to repeat: after MODEL_UNAVAILABLE or MODEL_TIMEOUT the batch may have been made all the same.
   * @throws Fault MODEL_*, as `Model.answer`
   */
  create(requests: readonly BatchRequest[]): Promise<ProviderBatch>;
  /** @throws Fault MODEL_* */
  find(id: string): Promise<ProviderBatch>;
  /** Batches made since, by whomever, newest first. @throws Fault MODEL_* */
  madeSince(sinceMs: number): Promise<ProviderBatch[]>;
  /**
   * Of a batch that has ended, in any order, as they are read.
   * @param tookMs what an answer's `durationMs` is to say
   * @throws Fault MODEL_*, also in the middle
   */
  results(id: string, tookMs: number): AsyncIterable<BatchResult>;
  /** Asks for its end; what is answered already stays so. Nothing happens when it has ended. @throws Fault MODEL_* */
  cancel(id: string): Promise<void>;
}

export class AnthropicBatches implements MessageBatches {
  readonly #client: Anthropic;
  readonly #options: Omit<AnthropicOptions, 'model'>;

  constructor(options: Omit<AnthropicOptions, 'model'>) {
    this.#client = openClient(options);
    this.#options = options;
  }

  bodyOf(model: string, turns: readonly Turn[], task: TaskName): Record<string, unknown> {
    return { ...requestParams({ model, maxTokens: this.#options.maxTokens }, turns, task) };
  }

  create(requests: readonly BatchRequest[]): Promise<ProviderBatch> {
    return asFaults(async () => {
      const all = requests.map(({ customId, body }) => ({
        custom_id: customId,
        params: body as unknown as Anthropic.MessageCreateParamsNonStreaming,
      }));
      return seen(await this.#client.messages.batches.create({ requests: all }));
    });
  }

  find(id: string): Promise<ProviderBatch> {
    return asFaults(async () => seen(await this.#client.messages.batches.retrieve(id)));
  }

  madeSince(sinceMs: number): Promise<ProviderBatch[]> {
    return asFaults(async () => {
      const found: ProviderBatch[] = [];
      for await (const one of this.#client.messages.batches.list({ limit: LIST_PAGE })) {
        const batch = seen(one);
        if (Date.parse(batch.createdAt) < sinceMs || found.length >= MAX_LISTED) break;
        found.push(batch);
      }
      return found;
    });
  }

  async *results(id: string, tookMs: number): AsyncIterable<BatchResult> {
    try {
      // By its path, not by the `results_url` of the batch: the key goes to the configured endpoint and nowhere else.
      const path = `/v1/messages/batches/${encodeURIComponent(id)}/results`;
      const response = await this.#client
        .get(path, { headers: { accept: 'application/x-jsonl' } })
        .asResponse();
      for await (const line of linesOf(response)) {
        const result = resultOf(line, this.#options.prices, tookMs);
        if (result !== null) yield result;
      }
    } catch (error) {
      throw toFault(error);
    }
  }

  async cancel(id: string): Promise<void> {
    try {
      await this.#client.messages.batches.cancel(id);
    } catch (error) {
      // One that has ended, maybe a moment ago, is not cancelled any more.
      if ((await this.find(id)).ended) return;
      throw toFault(error);
    }
  }
}

async function asFaults<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toFault(error);
  }
}

const batchSchema = z.looseObject({
  id: z.string().min(1).max(200),
  processing_status: z.string(),
  created_at: z.string(),
  ended_at: z.string().nullish(),
  request_counts: z.record(z.string(), z.number()),
});

function seen(value: unknown): ProviderBatch {
  const parsed = batchSchema.safeParse(value);
  if (!parsed.success) throw new Fault('MODEL_UNAVAILABLE', 'the endpoint answered no message batch');
  const { id, processing_status, created_at, ended_at, request_counts } = parsed.data;
  const tookMs = Date.parse(ended_at ?? '') - Date.parse(created_at);
  return {
    id,
    ended: processing_status === 'ended',
    requests: Object.values(request_counts).reduce((sum, count) => sum + count, 0),
    createdAt: created_at,
    tookMs: Number.isFinite(tookMs) ? Math.max(0, tookMs) : null,
  };
}

const tokens = z.number().nonnegative();
const lineSchema = z.looseObject({
  custom_id: z.string(),
  result: z.looseObject({ type: z.string(), message: z.unknown().optional(), error: z.unknown().optional() }),
});
const messageSchema = z.looseObject({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  stop_reason: z.string().nullable(),
  model: z.string().min(1),
  usage: z.looseObject({
    input_tokens: tokens,
    output_tokens: tokens,
    cache_creation_input_tokens: tokens.nullish(),
    cache_read_input_tokens: tokens.nullish(),
  }),
});

/** `null` for a line that names no request: it cannot be anybody's result. Exported for its test. */
export function resultOf(
  line: string,
  prices: AnthropicOptions['prices'],
  tookMs: number,
): BatchResult | null {
  const parsed = lineSchema.safeParse(parseJson(line));
  if (!parsed.success) return null;
  const { custom_id: customId, result } = parsed.data;
  if (result.type === 'errored') return { customId, kind: 'errored', why: errorText(result.error) };
  if (result.type === 'expired')
    return { customId, kind: 'expired', why: 'it was not asked within the day that a batch has' };
  if (result.type === 'canceled')
    return { customId, kind: 'canceled', why: 'the batch was cancelled before it was asked' };
  const message = messageSchema.safeParse(result.message);
  if (result.type !== 'succeeded' || !message.success)
    return { customId, kind: 'unreadable', why: `a result that cannot be read: ${result.type.slice(0, 40)}` };
  const how = { requestId: null, durationMs: tookMs };
  return { customId, kind: 'answered', answer: answerOf(message.data, prices, how, 'batch') };
}

const errorSchema = z.looseObject({ error: z.looseObject({ type: z.string(), message: z.string() }) });

function errorText(error: unknown): string {
  const parsed = errorSchema.safeParse(error);
  if (!parsed.success) return 'the endpoint said no more than that it failed';
  const { type, message } = parsed.data.error;
  return `${type}: ${message}`.slice(0, 500);
}

/** Lines as they come, so that a day's answers are never in memory together. */
async function* linesOf(response: Response): AsyncIterable<string> {
  if (response.body === null) return;
  let rest = '';
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARS)
      throw new Fault('MODEL_UNAVAILABLE', 'a result of the batch is too long to be read');
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
