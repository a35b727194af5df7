/** The API as the command line uses it. Every answer is parsed; every failure names the next move. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf } from '../src/errors.ts';
import {
  DIGEST_HEADER,
  errorBody,
  type Generation,
  type GenerationDetail,
  type GenerationEvent,
  generationDetail,
  generationEvent,
  generationSchema,
  type SidecarAnswer,
  sidecarAnswer,
  signedRuleFiles,
} from '../src/schema/api.ts';
import { type Report, reportSchema } from '../src/schema/report.ts';
import { type RuleRequest, requestSchema } from '../src/schema/request.ts';
import { type Rule, ruleSchema } from '../src/schema/rule.ts';
import { type PublishedTrust, trustPublished } from '../src/schema/trust.ts';
import type { Connection } from './connection.ts';
import { UsageError } from './exit.ts';

/** A report of 200 cases is four answers of 4 MiB. */
const MAX_STORED_BYTES = 32 * 1024 * 1024;

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

  /** A rule's bundle, signed in another tool's form by the key that signed the rule. */
  sidecar(id: string, format: string): Promise<SidecarAnswer> {
    return this.#call('GET', `/v1/rules/${encodeURIComponent(id)}/sidecars/${format}`, sidecarAnswer);
  }

  /** @returns numbers of the documents that are served now */
  publishTrust(documents: PublishedTrust): Promise<z.infer<typeof trustPublished>> {
    return this.#call('PUT', '/v1/keys/trust', trustPublished, documents);
  }

  /** The request as it was stored. */
  request(id: string): Promise<RuleRequest> {
    return this.#stored(`/v1/generations/${encodeURIComponent(id)}/request`, requestSchema);
  }

  /** The rule of an attempt as the sandbox was given it. */
  attemptRule(id: string, attempt: number): Promise<Rule> {
    return this.#stored(attemptPath(id, attempt, 'rule'), ruleSchema);
  }

  /** What the sandbox said of it, or the second one that had to agree; `null` when that is not stored. */
  report(id: string, attempt: number, of: 'report' | 'confirmation'): Promise<Report | null> {
    const absent = of === 'report' ? 'NO_REPORT' : 'NO_CONFIRMATION';
    return this.#stored(attemptPath(id, attempt, of), reportSchema).catch((error: unknown) => {
      if (error instanceof UsageError && error.code === absent) return null;
      throw error;
    });
  }

  /** An object that is only worth something with exactly the bytes that were stored. */
  async #stored<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>> {
    const response = await this.#fetch('GET', path);
    const bytes = await readCapped(response);
    if (!response.ok) throw refusal(response.status, parseJson(bytes));
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (response.headers.get(DIGEST_HEADER) !== digest)
      throw new UsageError('BAD_ANSWER', `${path} did not arrive as it was stored`, 'run it again');
    return this.#parse(parseJson(bytes), schema);
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
    return this.#parse(value, schema);
  }

  #parse<T extends z.ZodType>(value: unknown, schema: T): z.output<T> {
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

function attemptPath(id: string, attempt: number, part: string): string {
  return `/v1/generations/${encodeURIComponent(id)}/attempts/${attempt}/${part}`;
}

/** @throws UsageError BAD_ANSWER when it breaks off, or is longer than any stored object can be */
async function readCapped(response: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response.body ?? []) {
      bytes += part.byteLength;
      if (bytes > MAX_STORED_BYTES) throw new RangeError(`it is longer than ${MAX_STORED_BYTES} bytes`);
      parts.push(part);
    }
  } catch (error) {
    throw new UsageError('BAD_ANSWER', `the answer could not be read: ${messageOf(error)}`, 'run it again');
  }
  return Buffer.concat(parts);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
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
