/**
 * The Message Batches part of the recorded model: batches of requests that are answered later, listed,
 * cancelled, and handed out as JSON lines, in another order than they came. It keeps everything in memory.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import {
  apiError,
  type ErrorAnswer,
  type MessageAnswer,
  type MessagesBody,
  type ModelCall,
  messagesBody,
  type RecordedAnswer,
} from './model-server.ts';

export const BATCHES_PATH = '/v1/messages/batches';
/** The limits of the real endpoint. */
export const MAX_BATCH_BODY_BYTES = 256 * 1024 * 1024;
const MAX_REQUESTS = 100_000;
const MAX_PAGE = 1_000;
const EXPIRES_AFTER_MS = 24 * 60 * 60 * 1_000;
/** What is being worked on when a batch is cancelled takes a moment to stop. */
const CANCELLING_MS = 20;

const createBody = z.looseObject({
  requests: z
    .array(
      z.looseObject({
        custom_id: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
        params: z.record(z.string(), z.unknown()),
      }),
    )
    .min(1)
    .max(MAX_REQUESTS)
    .refine(
      (all) => new Set(all.map((one) => one.custom_id)).size === all.length,
      'custom_id must be unique',
    ),
});

type Outcome = 'succeeded' | 'errored' | 'expired' | 'canceled';
type Result = { readonly type: Outcome } & Record<string, unknown>;

interface Item {
  readonly customId: string;
  /** `null`: never by itself. */
  readonly doneAtMs: number | null;
  readonly result: Result;
}

interface Batch {
  readonly id: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly items: readonly Item[];
  cancelledAtMs: number | null;
}

export type BatchAnswer =
  | ErrorAnswer
  | { readonly kind: 'json' | 'jsonl'; readonly text: string }
  /** Nothing is answered, although it was done. */
  | { readonly kind: 'lost' };

type Ask = (batchId: string, body: MessagesBody) => { call: ModelCall; reply: () => unknown };
type ToMessage = (call: ModelCall, answer: MessageAnswer) => object;

export class RecordedBatches {
  readonly #ask: Ask;
  readonly #toMessage: ToMessage;
  readonly #options: { readonly delayMs?: number; readonly expiresAfterMs?: number };
  /** In the order they were made. */
  readonly #batches = new Map<string, Batch>();

  constructor(ask: Ask, toMessage: ToMessage, options: { delayMs?: number; expiresAfterMs?: number }) {
    this.#ask = ask;
    this.#toMessage = toMessage;
    this.#options = options;
  }

  async answer(method: string, url: URL, body: unknown): Promise<BatchAnswer> {
    const [id, action] = url.pathname.slice(BATCHES_PATH.length).split('/').slice(1);
    if (id === undefined || id === '') {
      if (method === 'POST') return this.#create(body, url.origin);
      return method === 'GET' ? this.#list(url) : notFound(method, url);
    }
    const batch = this.#batches.get(id);
    if (batch === undefined) return notFound(method, url);
    if (method === 'GET' && action === undefined) return json(shownOf(batch, url.origin));
    if (method === 'GET' && action === 'results') return resultsOf(batch);
    if (method === 'POST' && action === 'cancel') return cancel(batch, url.origin);
    return notFound(method, url);
  }

  async #create(body: unknown, origin: string): Promise<BatchAnswer> {
    const parsed = createBody.safeParse(body);
    if (!parsed.success) return apiError(400, 'invalid_request_error', z.prettifyError(parsed.error));
    const id = `msgbatch_recorded_${this.#batches.size + 1}_${Math.random().toString(36).slice(2, 8)}`;
    const createdAtMs = Date.now();
    const items: Item[] = [];
    let lost = false;
    for (const { custom_id: customId, params } of parsed.data.requests) {
      const { answer, item } = await this.#item(id, customId, params, createdAtMs);
      items.push(item);
      lost ||= answer?.kind === 'text' && answer.losesBatch === true;
    }
    const expiresAtMs = createdAtMs + (this.#options.expiresAfterMs ?? EXPIRES_AFTER_MS);
    const batch: Batch = { id, createdAtMs, expiresAtMs, items, cancelledAtMs: null };
    this.#batches.set(id, batch);
    return lost ? { kind: 'lost' } : json(shownOf(batch, origin));
  }

  async #item(batchId: string, customId: string, params: unknown, createdAtMs: number) {
    const doneAtMs = createdAtMs + (this.#options.delayMs ?? 0);
    const body = messagesBody.safeParse(params);
    if (!body.success) {
      const result = errored('invalid_request_error', z.prettifyError(body.error));
      return { answer: null, item: { customId, doneAtMs, result } };
    }
    const { call, reply } = this.#ask(batchId, body.data);
    const answer = (await reply()) as RecordedAnswer;
    const item: Item = {
      customId,
      doneAtMs: answer.kind === 'hang' ? null : Math.max(doneAtMs, createdAtMs + (answer.delayMs ?? 0)),
      result: this.#resultOf(call, answer),
    };
    return { answer, item };
  }

  #resultOf(call: ModelCall, answer: RecordedAnswer): Result {
    if (answer.kind === 'error') return errored(answer.type, answer.message);
    if (answer.kind === 'hang' || answer.kind === 'expired') return { type: 'expired' };
    return { type: 'succeeded', message: this.#toMessage(call, answer) };
  }

  #list(url: URL): BatchAnswer {
    const limit = Math.min(Number(url.searchParams.get('limit') ?? 20), MAX_PAGE);
    const newestFirst = [...this.#batches.values()].reverse();
    const after = url.searchParams.get('after_id');
    const rest = newestFirst.slice(newestFirst.findIndex((one) => one.id === after) + 1);
    const page = rest.slice(0, limit);
    return json({
      data: page.map((batch) => shownOf(batch, url.origin)),
      has_more: rest.length > page.length,
      first_id: page[0]?.id ?? null,
      last_id: page.at(-1)?.id ?? null,
    });
  }
}

function cancel(batch: Batch, origin: string): BatchAnswer {
  if (endOf(batch) <= Date.now())
    return apiError(400, 'invalid_request_error', `Batch ${batch.id} has already ended`);
  batch.cancelledAtMs ??= Date.now();
  return json(shownOf(batch, origin));
}

async function resultsOf(batch: Batch): Promise<BatchAnswer> {
  if (endOf(batch) > Date.now())
    return apiError(404, 'not_found_error', `Batch ${batch.id} has no results yet`);
  // Not in one piece with the request, as a stream would be.
  await wait(1);
  const lines = finalResults(batch).map(({ customId, result }) =>
    JSON.stringify({ custom_id: customId, result }),
  );
  return { kind: 'jsonl', text: lines.reverse().join('\n') };
}

/** When the whole batch has been, or would be, worked off. */
function endOf(batch: Batch): number {
  const done = Math.max(...batch.items.map((item) => item.doneAtMs ?? Number.POSITIVE_INFINITY));
  const cancelled = batch.cancelledAtMs === null ? done : batch.cancelledAtMs + CANCELLING_MS;
  return Math.min(done, cancelled, batch.expiresAtMs);
}

function finalResults(batch: Batch): { customId: string; result: Result }[] {
  const ended = endOf(batch);
  return batch.items.map(({ customId, doneAtMs, result }) => {
    if (doneAtMs !== null && doneAtMs <= ended) return { customId, result };
    return { customId, result: { type: batch.cancelledAtMs === null ? 'expired' : 'canceled' } };
  });
}

function shownOf(batch: Batch, origin: string) {
  const endedAtMs = endOf(batch);
  const ended = endedAtMs <= Date.now();
  const counts = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  if (ended) for (const { result } of finalResults(batch)) counts[result.type] += 1;
  else counts.processing = batch.items.length;
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: ended ? 'ended' : batch.cancelledAtMs === null ? 'in_progress' : 'canceling',
    request_counts: counts,
    created_at: iso(batch.createdAtMs),
    expires_at: iso(batch.expiresAtMs),
    ended_at: ended ? iso(endedAtMs) : null,
    cancel_initiated_at: batch.cancelledAtMs === null ? null : iso(batch.cancelledAtMs),
    archived_at: null,
    results_url: ended ? `${origin}${BATCHES_PATH}/${batch.id}/results` : null,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function errored(type: string, message: string): Result {
  return { type: 'errored', error: { type: 'error', error: { type, message }, request_id: null } };
}

function json(value: object): BatchAnswer {
  return { kind: 'json', text: JSON.stringify(value) };
}

function notFound(method: string, { pathname }: URL): ErrorAnswer {
  return apiError(404, 'not_found_error', `Not found: ${method} ${pathname}`);
}
