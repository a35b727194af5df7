/** Batches as a client asks for them, from inside workerd. */
import type { Batch, BatchDetail, BatchItem } from '../../src/schema/batch.ts';
import type { RuleRequest } from '../../src/schema/request.ts';
import { request } from '../support/rule.ts';
import { type Answer, call } from './client.ts';

export type BatchAnswer = BatchDetail & { code: string; message: string; details: { ids: string[] } };

/** A request whose model follows `script`, see scripted-model.ts. */
export function asks(script: string, over: Partial<RuleRequest> = {}): RuleRequest {
  return { ...request, ...over, prompt: `No eval anywhere [[${script}]] ${crypto.randomUUID()}` };
}

export function post(
  body: unknown,
  options: { readonly key?: string; readonly token?: string } = {},
): Promise<Answer<BatchAnswer>> {
  const { key, token } = options;
  return call<BatchAnswer>('/v1/batches', {
    method: 'POST',
    body,
    ...(token === undefined ? {} : { token }),
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });
}

export async function start(body: unknown): Promise<Batch> {
  const made = await post(body);
  if (made.status !== 202) throw new Error(`not accepted: ${made.text}`);
  return made.body;
}

export function act(id: string, what: string, body?: unknown): Promise<Answer<BatchAnswer>> {
  return call<BatchAnswer>(`/v1/batches/${id}/${what}`, {
    method: 'POST',
    ...(body === undefined ? {} : { body }),
  });
}

export async function read(id: string): Promise<BatchDetail> {
  return (await call<BatchDetail>(`/v1/batches/${id}`)).body;
}

export async function itemsOf(id: string, query = ''): Promise<BatchItem[]> {
  return (await call<{ items: BatchItem[] }>(`/v1/batches/${id}/items?limit=100${query}`)).body.items;
}

export async function until(id: string, when: (batch: BatchDetail) => boolean): Promise<BatchDetail> {
  let batch = await read(id);
  for (let tries = 0; tries < 500 && !when(batch); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    batch = await read(id);
  }
  if (!when(batch)) throw new Error(`batch ${id} stays ${JSON.stringify(batch)}`);
  return batch;
}

export const untilDone = (id: string) => until(id, ({ status }) => status === 'done');
