/**
 * The Anthropic Messages API, or any endpoint that speaks it. Streams (long answers outlive a plain
 * request's limits), caches the stable prefix, asks for structured output, and maps every error to a
 * code before it crosses a step. Never retries by itself: SDK tries times step tries would multiply.
 */
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { Fault, messageOf } from '../errors.ts';
import type { Model, ModelAnswer, ModelUsage, Turn } from './model.ts';
import { type CallKind, costUsd, type PriceTable } from './pricing.ts';
import { TASKS, type TaskName } from './tasks.ts';

/** Below the step's own timeout of 10 minutes, so that the error says what happened. */
export const MODEL_TIMEOUT_MS = 9 * 60 * 1000;

export interface AnthropicOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly model: string;
  readonly maxTokens: number;
  readonly prices: PriceTable;
}

export class AnthropicModel implements Model {
  readonly id: string;
  readonly #options: AnthropicOptions;

  constructor(options: AnthropicOptions) {
    this.id = options.model;
    this.#options = options;
  }

  async answer(turns: readonly Turn[], task: TaskName): Promise<ModelAnswer> {
    const startedMs = Date.now();
    const params = requestParams(this.#options, turns, task);
    try {
      const message = await this.#stream(params);
      const { requestId } = message;
      return answerOf(message, this.#options.prices, { requestId, durationMs: Date.now() - startedMs });
    } catch (error) {
      throw toFault(error);
    }
  }

  /** Falls back to plain text once, when the endpoint refuses structured output; a refused call is not paid. */
  async #stream(params: Anthropic.MessageStreamParams): Promise<StreamedMessage> {
    try {
      return await this.#streamOnce(params);
    } catch (error) {
      if (!refusesStructuredOutput(error)) throw error;
      const { output_config: _unsupported, ...plain } = params;
      return await this.#streamOnce(plain);
    }
  }

  async #streamOnce(params: Anthropic.MessageStreamParams): Promise<StreamedMessage> {
    // Made for the call: most steps of a generation open a model and ask it nothing.
    const stream = openClient(this.#options).messages.stream(params);
    const message = await stream.finalMessage();
    return Object.assign(message, { requestId: stream.request_id ?? null });
  }
}

export function openClient({ apiKey, baseUrl }: Pick<AnthropicOptions, 'apiKey' | 'baseUrl'>): Anthropic {
  return new Anthropic({ apiKey, baseURL: baseUrl, maxRetries: 0, timeout: MODEL_TIMEOUT_MS });
}

/** What is read of a message, however it came. */
export interface MessageLike {
  readonly content: readonly { readonly type: string; readonly text?: string | undefined }[];
  readonly stop_reason: string | null;
  readonly model: string;
  readonly usage: UsageLike;
}

interface UsageLike {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens?: number | null | undefined;
  readonly cache_read_input_tokens?: number | null | undefined;
}

/** @param how what the message does not say of its call */
export function answerOf(
  message: MessageLike,
  prices: PriceTable,
  how: Pick<ModelAnswer, 'requestId' | 'durationMs'>,
  kind: CallKind = 'single',
): ModelAnswer {
  const usage = usageOf(message.usage);
  return {
    text: message.content.map((block) => (block.type === 'text' ? (block.text ?? '') : '')).join(''),
    stopReason: message.stop_reason ?? 'unknown',
    model: message.model,
    usage,
    costUsd: costUsd(prices, message.model, usage, kind),
    ...how,
  };
}

/**
 * Plain data on purpose: the helper's own object makes the SDK parse the answer and throw when it does
 * not fit, and an answer that is paid for would be lost.
 */
function outputFormat(task: TaskName): Anthropic.JSONOutputFormat {
  const { type, schema } = zodOutputFormat(TASKS[task].answer);
  return { type, schema };
}

/** Says nothing of streaming, which is the caller's choice. */
export type CallBody = Omit<Anthropic.MessageStreamParams, 'stream'>;

type StreamedMessage = Anthropic.Message & { requestId: string | null };

/** The body of a call, the same for one made alone and one in a message batch. */
export function requestParams(
  options: Pick<AnthropicOptions, 'model' | 'maxTokens'>,
  turns: readonly Turn[],
  task: TaskName,
): CallBody {
  const { system, maxTokens = options.maxTokens } = TASKS[task];
  return {
    model: options.model,
    max_tokens: Math.min(maxTokens, options.maxTokens),
    system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }],
    messages: turns.map((turn, index) => ({
      role: turn.role,
      content: [
        index === 0
          ? // The request is the same for every attempt, so it belongs to the cached prefix.
            { type: 'text' as const, text: turn.text, cache_control: { type: 'ephemeral' as const } }
          : { type: 'text' as const, text: turn.text },
      ],
    })),
    output_config: { format: outputFormat(task) },
  };
}

function usageOf(usage: UsageLike): ModelUsage {
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    cacheWriteTokens: usage.cache_creation_input_tokens ?? 0,
    cacheReadTokens: usage.cache_read_input_tokens ?? 0,
  };
}

function refusesStructuredOutput(error: unknown): boolean {
  return (
    error instanceof Anthropic.APIError &&
    error.status === 400 &&
    /output_config|output_format|json_schema/i.test(error.message)
  );
}

/** Any error of the client to a fault with a code, before it crosses a step. */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof Anthropic.APIConnectionTimeoutError)
    return fault('MODEL_TIMEOUT', 'the model did not answer in time', error);
  if (error instanceof Anthropic.APIConnectionError)
    return fault('MODEL_UNAVAILABLE', `cannot reach the model: ${messageOf(error)}`, error);
  if (error instanceof Anthropic.APIError) return fromStatus(error.status, error);
  return fault('MODEL_UNAVAILABLE', `the model's answer broke off: ${messageOf(error)}`, error);
}

function fromStatus(status: number | undefined, error: Error): Fault {
  const said = `the model endpoint answered ${status ?? 'an error'}: ${messageOf(error).slice(0, 500)}`;
  if (status === 429) return fault('MODEL_RATE_LIMITED', said, error);
  if (status === 401 || status === 403) return fault('MODEL_UNAUTHORIZED', said, error);
  if (status === 408) return fault('MODEL_TIMEOUT', said, error);
  if (status !== undefined && status >= 400 && status < 500) return fault('MODEL_BAD_REQUEST', said, error);
  return fault('MODEL_UNAVAILABLE', said, error);
}

function fault(
  code:
    | 'MODEL_UNAVAILABLE'
    | 'MODEL_RATE_LIMITED'
    | 'MODEL_TIMEOUT'
    | 'MODEL_BAD_REQUEST'
    | 'MODEL_UNAUTHORIZED',
  message: string,
  cause: unknown,
): Fault {
  return new Fault(code, message, { cause });
}
