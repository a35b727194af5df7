/** A language model, as the pipeline sees it: turns in, one answer out, everything about it recorded. */
import type { TaskName } from './tasks.ts';

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly text: string;
}

export interface ModelUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheWriteTokens: number;
  readonly cacheReadTokens: number;
}

export interface ModelAnswer {
  /** Exact text of the answer; parsed by nobody before it is stored. */
  readonly text: string;
  /** `end_turn`, `max_tokens`, `refusal`, …, as the API said it. */
  readonly stopReason: string;
  /** The model that answered, which an alias may not tell. */
  readonly model: string;
  readonly requestId: string | null;
  readonly usage: ModelUsage;
  /** `null` when the price of the model is not configured. */
  readonly costUsd: number | null;
  readonly durationMs: number;
}

export interface Model {
  /** As configured; `ModelAnswer.model` says what answered. */
  readonly id: string;
  /**
   * One call, never retried here: the step retries.
   * @param task which system prompt the turns follow and which answer is asked for
   * @throws Fault MODEL_UNAVAILABLE | MODEL_RATE_LIMITED | MODEL_TIMEOUT (retryable),
   *   MODEL_BAD_REQUEST | MODEL_UNAUTHORIZED (not)
   */
  answer(turns: readonly Turn[], task: TaskName): Promise<ModelAnswer>;
}
