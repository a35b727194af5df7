/** The API as the command line uses it. Every answer is parsed; every failure names the next move. */
import { z } from 'zod';
import { messageOf } from '../src/errors.ts';
import {
  errorBody,
  type Generation,
  type GenerationDetail,
  type GenerationEvent,
  generationDetail,
  generationEvent,
  generationSchema,
  signedRuleFiles,
} from '../src/schema/api.ts';
import type { Connection } from './connection.ts';
import { UsageError } from './exit.ts';

export class ApiClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  create(request: unknown): Promise<Generation> {
    return this.#call('POST', '/v1/generations', generationSchema, request);
  }

  get(id: string): Promise<GenerationDetail> {
    return this.#call('GET', `/v1/generations/${encodeURIComponent(id)}`, generationDetail);
  }

  async list(limit: number): Promise<Generation[]> {
    const page = z.object({ generations: z.array(generationSchema) });
    return (await this.#call('GET', `/v1/generations?limit=${limit}`, page)).generations;
  }

  async events(id: string, after: number): Promise<GenerationEvent[]> {
    const page = z.object({ events: z.array(generationEvent) });
    const path = `/v1/generations/${encodeURIComponent(id)}/events?after=${after}`;
    return (await this.#call('GET', path, page)).events;
  }

  cancel(id: string): Promise<GenerationDetail> {
    return this.#call('POST', `/v1/generations/${encodeURIComponent(id)}/cancel`, generationDetail);
  }

  rule(id: string): Promise<z.infer<typeof signedRuleFiles>> {
    return this.#call('GET', `/v1/rules/${encodeURIComponent(id)}`, signedRuleFiles);
  }

  async #call<T extends z.ZodType>(
    method: string,
    path: string,
    schema: T,
    body?: unknown,
  ): Promise<z.output<T>> {
    const response = await this.#fetch(method, path, body);
    const value: unknown = await response.json().catch(() => null);
    if (!response.ok) throw refusal(response.status, value);
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new UsageError('BAD_ANSWER', `${this.#connection.url} does not answer like an Assay service`);
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Response> {
    try {
      return await fetch(`${this.#connection.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#connection.token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      });
    } catch (error) {
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
      throw new UsageError(
        'SERVER_UNREACHABLE',
        `cannot reach ${this.#connection.url}: ${cause}`,
        'is it running? "npm run dev" starts one',
      );
    }
  }
}

function refusal(status: number, value: unknown): UsageError {
  const parsed = errorBody.safeParse(value);
  if (!parsed.success) return new UsageError('BAD_ANSWER', `the service answered ${status} without a reason`);
  const details = z.array(z.object({ path: z.string(), message: z.string() })).safeParse(parsed.data.details);
  const hint = details.success
    ? details.data.map((one) => `${one.path || 'request'}: ${one.message}`).join('\n  ')
    : undefined;
  return new UsageError(parsed.data.code, parsed.data.message, hint);
}
