/**
 * The isolate host as a Worker: the same routes and the same session as the local one, on isolates of a
 * Worker Loader. It holds no secret. What one request starts ends with it; only the engine and the
 * measurement of the walls outlive it.
 */
import {
  BUILD_HEADER,
  type HealthResponse,
  HOST_PARALLELISM,
  type HostBuild,
  type HostErrorCode,
  type IsolationReport,
  MAX_REQUEST_BYTES,
  PROTOCOL_VERSION,
  type VerifyResponse,
} from '../container/protocol.ts';
import { BadRequest, parseRequest } from '../container/request.ts';
import { fitResults } from '../container/size.ts';
import { Slots } from '../container/slots.ts';
import { messageOf } from '../container/text.ts';
import { verifyCases } from '../container/verify.ts';
import { ENGINE_ASSETS, ROOM_SCRIPTS } from './cloud/assets.ts';
import { runLoaded, stripLoaded } from './cloud/loader.ts';
import { measureIsolation } from './cloud/self-test.ts';
import { STRIP_SCRIPTS } from './cloud/strip-assets.ts';
import { drawTrees, narrowAll } from './jobs.ts';
import { createEngine, type Engine } from './narrow/engine.ts';
import { type Factory, isolatesBackEnd, type Parsers } from './session.ts';

interface Env {
  readonly LOADER: WorkerLoader;
  readonly BUILD_ID: string;
}

/** Made when the Worker starts, so that no request waits for another one's promise; none after a breakdown. */
let engine: Engine | undefined = await createEngine(ENGINE_ASSETS);
/** That every wall stood, as the first request measured it that saw it; each sees its own promise. */
let measured: IsolationReport | undefined;

class HttpError extends Error {
  readonly status: number;
  readonly code: HostErrorCode;

  constructor(status: number, code: HostErrorCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      return answer(env, 200, await handle(request, env));
    } catch (error) {
      const known = error instanceof HttpError ? error : undefined;
      if (known === undefined)
        console.error(JSON.stringify({ event: 'request.failed', message: messageOf(error) }));
      const body = {
        error: { code: known?.code ?? 'INTERNAL', message: known?.message ?? 'the host failed' },
      };
      return answer(env, known?.status ?? 500, body);
    }
  },
};

async function handle(request: Request, env: Env): Promise<object> {
  const route = `${request.method} ${new URL(request.url).pathname}`;
  if (route !== 'GET /healthz' && route !== 'POST /verify') {
    throw new HttpError(404, 'NOT_FOUND', 'only GET /healthz and POST /verify exist');
  }
  if (env.BUILD_ID === '') throw new HttpError(500, 'INTERNAL', 'BUILD_ID is not set');
  const isolation = measured ?? (await measureIsolation(env.LOADER));
  // One busy moment is not to refuse this instance for good: only what held is remembered.
  if (Object.values(isolation.flags).every(Boolean)) measured = isolation;
  const build = buildOf(env);
  if (route === 'GET /healthz') {
    const ok = Object.values(isolation.flags).every(Boolean);
    return { ok, build, isolation } satisfies HealthResponse;
  }
  const startedAt = performance.now();
  const parsed = readRequest(await readBody(request));
  // Slots of one request only: a promise of one request must not be settled by another.
  const backEnd = isolatesBackEnd(factoryOf(env, new Slots(HOST_PARALLELISM)));
  const { results, notRun } = await verifyCases(backEnd, parsed, request.signal);
  const durationMs = Math.round(performance.now() - startedAt);
  const head = { protocol: PROTOCOL_VERSION, nonce: parsed.nonce } as const;
  return {
    ...head,
    build,
    isolation,
    results: fitResults(results),
    notRun,
    durationMs,
  } satisfies VerifyResponse;
}

function factoryOf(env: Env, slots: Slots): Factory {
  return {
    slots,
    scripts: ROOM_SCRIPTS,
    parsers: parsersOf(env),
    run: (bundle, task) => runLoaded(env.LOADER, bundle, task),
  };
}

/** Done in this very isolate, except for the stripping of types: nothing here can be interrupted. */
function parsersOf(env: Env): Parsers {
  const attempt = async <T>(work: Promise<T>): Promise<{ value: T } | { failure: string }> => {
    try {
      return { value: await work };
    } catch (error) {
      return { failure: messageOf(error) };
    }
  };
  // One after the other, and each to its end within one event: what replaces the engine finds nobody at work.
  let last: Promise<unknown> = Promise.resolve();
  const useEngine = <T>(
    work: (engine: Engine) => Promise<T>,
  ): Promise<{ value: T } | { failure: string }> => {
    const done = last.then(async () => {
      const outcome = await attempt(withEngine(work));
      if ('failure' in outcome || isBreakdown(outcome.value)) engine = undefined;
      return outcome;
    });
    last = done;
    return done;
  };
  return {
    strip: (source, timeoutMs) => attempt(stripLoaded(env.LOADER, STRIP_SCRIPTS, source, timeoutMs)),
    narrow: (rule, cases) => useEngine((each) => narrowAll(each, rule, cases)),
    trees: (rule, files) => useEngine((each) => drawTrees(each, rule, files)),
  };
}

async function withEngine<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
  engine ??= await createEngine(ENGINE_ASSETS);
  return work(engine);
}

/** ast-grep in wasm that broke down on one text is not to be trusted with another. */
function isBreakdown(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'unsupported' in value;
}

function buildOf(env: Env): HostBuild {
  return { id: env.BUILD_ID, node: 'workerd', astGrep: '0.45.3 wasm' };
}

function readRequest(text: string): ReturnType<typeof parseRequest> {
  try {
    return parseRequest(text);
  } catch (error) {
    if (error instanceof BadRequest) throw new HttpError(400, 'BAD_REQUEST', error.message);
    throw error;
  }
}

async function readBody(request: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    // Read on without keeping: a caller that still writes would never see the answer.
    if (bytes <= MAX_REQUEST_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_REQUEST_BYTES) {
    throw new HttpError(413, 'TOO_LARGE', `the body is larger than ${MAX_REQUEST_BYTES} bytes`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      await new Blob(chunks).arrayBuffer(),
    );
  } catch {
    throw new HttpError(400, 'BAD_REQUEST', 'the body is not UTF-8');
  }
}

function answer(env: Env, status: number, body: object): Response {
  const headers = { 'cache-control': 'no-store', [BUILD_HEADER]: env.BUILD_ID || 'unknown' };
  return Response.json(body, { status, headers });
}
