/**
 * The API as the command line uses it, with the types of its OpenAPI document. What is run, written or compared
 * byte by byte is parsed as well; every failure names the next move.
 */
import { createHash } from 'node:crypto';
import createClient, { type Client } from 'openapi-fetch';
import { z } from 'zod';
import { messageOf } from '../src/errors.ts';
import {
  DIGEST_HEADER,
  errorBody,
  type GenerationEvent,
  type SidecarAnswer,
  sidecarAnswer,
  signedRuleFiles,
} from '../src/schema/api.ts';
import { type Health, healthSchema } from '../src/schema/health.ts';
import { type Report, reportSchema } from '../src/schema/report.ts';
import { type RuleRequest, requestSchema } from '../src/schema/request.ts';
import { type Rule, ruleSchema } from '../src/schema/rule.ts';
import { tasklessError } from '../src/schema/taskless.ts';
import { type PublishedTrust, trustPublished } from '../src/schema/trust.ts';
import type { components, paths } from './api-types.ts';
import type { Connection } from './connection.ts';
import { eventsOf } from './event-stream.ts';
import { UsageError } from './exit.ts';

const ANSWER_TIMEOUT_MS = 30_000;
/** A report of 200 cases is four answers of 4 MiB. */
const MAX_STORED_BYTES = 32 * 1024 * 1024;

export type GenerationFilter = NonNullable<paths['/v1/generations']['get']['parameters']['query']>;
export type ItemFilter = NonNullable<paths['/v1/batches/{id}/items']['get']['parameters']['query']>;
export type DeliveryFilter = NonNullable<paths['/v1/deliveries']['get']['parameters']['query']>;
type MetricsWindow = NonNullable<paths['/v1/metrics']['get']['parameters']['query']>;
type Schemas = components['schemas'];

export class ApiClient {
  readonly #connection: Connection;
  readonly #api: Client<paths, 'application/json'>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#api = createClient<paths, 'application/json'>({
      baseUrl: connection.url,
      headers: { authorization: `Bearer ${connection.token}` },
      fetch: (asked) => this.#reach(() => fetch(asked, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })),
    });
  }

  /** @param key the same key with the same request gives the same generation, see `Idempotency-Key` */
  create(body: Schemas['Request'], key?: string): Promise<Schemas['Generation']> {
    const params = { header: key === undefined ? {} : { 'idempotency-key': key } };
    return this.#take(this.#api.POST('/v1/generations', { params, body }), 'id');
  }

  retry(id: string, body: Schemas['Retry']): Promise<Schemas['Generation']> {
    return this.#take(this.#api.POST('/v1/generations/{id}/retry', { params: { path: { id } }, body }), 'id');
  }

  get(id: string): Promise<Schemas['GenerationDetail']> {
    return this.#take(this.#api.GET('/v1/generations/{id}', { params: { path: { id } } }), 'attempts');
  }

  async list(query: GenerationFilter): Promise<Schemas['Generation'][]> {
    const page = await this.#take(this.#api.GET('/v1/generations', { params: { query } }), 'generations');
    return page.generations;
  }

  async events(id: string, after: number): Promise<Schemas['GenerationEvent'][]> {
    const params = { path: { id }, query: { after } };
    return (await this.#take(this.#api.GET('/v1/generations/{id}/events', { params }), 'events')).events;
  }

  /** Events as they happen. Ends when the service ends it; `null` when the service does not stream. */
  async stream(id: string, after: number): Promise<AsyncIterable<GenerationEvent> | null> {
    // Bounds the wait for the stream's beginning; how long it lasts is the service's business.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_TIMEOUT_MS);
    const path = `/v1/generations/${encodeURIComponent(id)}/events?after=${after}`;
    const accept = { accept: 'text/event-stream' };
    try {
      return eventsOf(await this.#fetch('GET', path, late.signal, accept));
    } finally {
      clearTimeout(timer);
    }
  }

  cancel(id: string): Promise<Schemas['GenerationDetail']> {
    return this.#take(
      this.#api.POST('/v1/generations/{id}/cancel', { params: { path: { id } } }),
      'attempts',
    );
  }

  createBatch(body: Schemas['NewBatch'], key?: string): Promise<Schemas['BatchDetail']> {
    const params = { header: key === undefined ? {} : { 'idempotency-key': key } };
    return this.#take(this.#api.POST('/v1/batches', { params, body }), 'progress');
  }

  batch(id: string): Promise<Schemas['BatchDetail']> {
    return this.#take(this.#api.GET('/v1/batches/{id}', { params: { path: { id } } }), 'progress');
  }

  async batches(limit: number): Promise<Schemas['Batch'][]> {
    const params = { query: { limit } };
    return (await this.#take(this.#api.GET('/v1/batches', { params }), 'batches')).batches;
  }

  async batchItems(id: string, query: ItemFilter): Promise<Schemas['BatchItem'][]> {
    const params = { path: { id }, query };
    return (await this.#take(this.#api.GET('/v1/batches/{id}/items', { params }), 'items')).items;
  }

  actOnBatch(id: string, what: 'pause' | 'cancel' | 'retry-failed'): Promise<Schemas['BatchDetail']> {
    return this.#take(this.#api.POST(`/v1/batches/{id}/${what}`, { params: { path: { id } } }), 'progress');
  }

  resumeBatch(id: string, costUsdMax: number | undefined): Promise<Schemas['BatchDetail']> {
    const body = costUsdMax === undefined ? {} : { costUsdMax };
    const asked = this.#api.POST('/v1/batches/{id}/resume', { params: { path: { id } }, body });
    return this.#take(asked, 'progress');
  }

  createToken(body: Schemas['NewToken']): Promise<Schemas['CreatedToken']> {
    return this.#take(this.#api.POST('/v1/tokens', { body }), 'token');
  }

  listTokens(query: { cursor?: string; limit?: number }): Promise<{
    tokens: Schemas['Token'][];
    nextCursor: string | null;
  }> {
    return this.#take(this.#api.GET('/v1/tokens', { params: { query } }), 'tokens');
  }

  revokeToken(id: string): Promise<Schemas['Token']> {
    return this.#take(this.#api.DELETE('/v1/tokens/{id}', { params: { path: { id } } }), 'revokedAt');
  }

  createWebhookSecret(): Promise<Schemas['CreatedWebhookSecret']> {
    return this.#take(this.#api.POST('/v1/webhooks/secrets', {}), 'secret');
  }

  listWebhookSecrets(query: { cursor?: string; limit?: number }): Promise<{
    secrets: Schemas['WebhookSecret'][];
    nextCursor: string | null;
  }> {
    return this.#take(this.#api.GET('/v1/webhooks/secrets', { params: { query } }), 'secrets');
  }

  revokeWebhookSecret(id: string): Promise<Schemas['WebhookSecret']> {
    return this.#take(
      this.#api.DELETE('/v1/webhooks/secrets/{id}', { params: { path: { id } } }),
      'revokedAt',
    );
  }

  async listDeliveries(query: DeliveryFilter): Promise<Schemas['Delivery'][]> {
    return (await this.#take(this.#api.GET('/v1/deliveries', { params: { query } }), 'deliveries'))
      .deliveries;
  }

  delivery(id: string): Promise<Schemas['DeliveryDetail']> {
    return this.#take(this.#api.GET('/v1/deliveries/{id}', { params: { path: { id } } }), 'attempts');
  }

  retryDelivery(id: string): Promise<Schemas['DeliveryDetail']> {
    return this.#take(this.#api.POST('/v1/deliveries/{id}/retry', { params: { path: { id } } }), 'attempts');
  }

  async listOwners(): Promise<Schemas['Owner'][]> {
    return (await this.#take(this.#api.GET('/v1/owners'), 'owners')).owners;
  }

  putOwner(body: Schemas['NewOwner']): Promise<Schemas['Owner']> {
    return this.#take(this.#api.POST('/v1/owners', { body }), 'owner');
  }

  removeOwner(id: string): Promise<Schemas['Owner']> {
    return this.#take(this.#api.DELETE('/v1/owners/{id}', { params: { path: { id } } }), 'owner');
  }

  /** Id of the signed rule that the Taskless client knows by this UUID; `null`: there is none. */
  async tasklessRule(uuid: string): Promise<string | null> {
    const asked = this.#api.GET('/cli/api/rule/{id}', { params: { path: { id: uuid } } });
    return (await this.#take(asked, 'status')).assay?.rule ?? null;
  }

  metrics(query: MetricsWindow): Promise<Schemas['Metrics']> {
    return this.#take(this.#api.GET('/v1/metrics', { params: { query } }), 'attemptsToPass');
  }

  deleteGeneration(id: string, withRule: boolean): Promise<Schemas['Deletion']> {
    const params = { path: { id }, query: withRule ? { rule: 'true' as const } : {} };
    return this.#take(this.#api.DELETE('/v1/generations/{id}', { params }), 'requestedAt');
  }

  organisation(): Promise<Schemas['Organisation']> {
    return this.#take(this.#api.GET('/v1/organisation'), 'deletions');
  }

  /** @param confirm id of the organisation of the token */
  deleteOrganisation(confirm: string): Promise<Schemas['Organisation']> {
    const params = { query: { confirm } };
    return this.#take(this.#api.DELETE('/v1/organisation', { params }), 'deletions');
  }

  /** Every part of the service; also when one is down, which is an answer and no failure. */
  async health(): Promise<Health> {
    const response = await this.#fetch('GET', '/v1/health', AbortSignal.timeout(ANSWER_TIMEOUT_MS));
    const body = parseJson(await readCapped(response));
    const parsed = healthSchema.safeParse(body);
    if (parsed.success) return parsed.data;
    if (response.ok) throw this.#strange();
    throw refusal(response.status, body);
  }

  /** Its files are written to disk, so the answer is parsed. */
  async rule(id: string): Promise<z.infer<typeof signedRuleFiles>> {
    const asked = this.#api.GET('/v1/rules/{id}', { params: { path: { id } } });
    return this.#parse(await this.#take(asked, 'files'), signedRuleFiles);
  }

  /** A rule's bundle, signed in another tool's form by the key that signed the rule. */
  async sidecar(id: string, format: string): Promise<SidecarAnswer> {
    const params = { path: { id, format } };
    const asked = this.#api.GET('/v1/rules/{id}/sidecars/{format}', { params });
    return this.#parse(await this.#take(asked, 'files'), sidecarAnswer);
  }

  /** @returns numbers of the documents that are served now */
  async publishTrust(body: PublishedTrust): Promise<z.infer<typeof trustPublished>> {
    return this.#parse(await this.#take(this.#api.PUT('/v1/keys/trust', { body }), 'root'), trustPublished);
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
    const response = await this.#fetch('GET', path, AbortSignal.timeout(ANSWER_TIMEOUT_MS));
    const bytes = await readCapped(response);
    if (!response.ok) throw refusal(response.status, parseJson(bytes));
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (response.headers.get(DIGEST_HEADER) !== digest)
      throw new UsageError('BAD_ANSWER', `${path} did not arrive as it was stored`, 'run it again');
    return this.#parse(parseJson(bytes), schema);
  }

  /**
   * The body of an answer. Its type is the document's word; `field` is what tells an answer of this service from
   * that of another program.
   */
  async #take<T extends object>(
    asked: Promise<{ data?: T; error?: unknown; response: Response }>,
    field: keyof T & string,
  ): Promise<T> {
    const { data, error, response } = await asked.catch((cause: unknown) => {
      throw cause instanceof UsageError ? cause : this.#strange();
    });
    if (!response.ok) throw refusal(response.status, error);
    if (typeof data !== 'object' || data === null || !Object.hasOwn(data, field)) throw this.#strange();
    return data;
  }

  #strange(): UsageError {
    return new UsageError('BAD_ANSWER', `${this.#connection.url} does not answer like an Assay service`);
  }

  #parse<T extends z.ZodType>(value: unknown, schema: T): z.output<T> {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw this.#strange();
  }

  #fetch(
    method: string,
    path: string,
    signal: AbortSignal,
    more: Record<string, string> = {},
  ): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#connection.token}`, ...more };
    return this.#reach(() => fetch(`${this.#connection.url}${path}`, { method, headers, signal }));
  }

  /** @throws UsageError SERVER_UNREACHABLE */
  async #reach(ask: () => Promise<Response>): Promise<Response> {
    try {
      return await ask();
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
  const taskless = tasklessError.safeParse(value);
  if (taskless.success) {
    return new UsageError(taskless.data.error.toUpperCase(), `the service answered ${taskless.data.error}`);
  }
  if (!parsed.success) return new UsageError('BAD_ANSWER', `the service answered ${status} without a reason`);
  const details = z.array(z.object({ path: z.string(), message: z.string() })).safeParse(parsed.data.details);
  const hint = details.success
    ? details.data.map((one) => `${one.path || 'request'}: ${one.message}`).join('\n  ')
    : undefined;
  return new UsageError(parsed.data.code, parsed.data.message, hint);
}
