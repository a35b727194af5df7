/**
 * The isolate host as a Worker: the same routes and the same session as the local one, on isolates of a
 * Worker Loader. It holds no secret. What one request starts ends with it; only the engine and the
 * measurement of the walls outlive it.
 */
import {
  HttpError,
  isIsolated,
  readRequest,
  refusal,
  routeOf,
  tooLarge,
  verifyAnswer,
} from '../container/http.ts';
import {
  BUILD_HEADER,
  type HealthResponse,
  HOST_PARALLELISM,
  type HostBuild,
  type IsolationReport,
  MAX_REQUEST_BYTES,
} from '../container/protocol.ts';
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

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      return answer(env, 200, await handle(request, env));
    } catch (error) {
      if (!(error instanceof HttpError))
        console.error(JSON.stringify({ event: 'request.failed', message: messageOf(error) }));
      const { status, body } = refusal(error);
      return answer(env, status, body);
    }
  },
};

async function handle(request: Request, env: Env): Promise<object> {
  const route = routeOf(request.method, new URL(request.url).pathname);
  if (env.BUILD_ID === '') throw new HttpError(500, 'INTERNAL', 'BUILD_ID is not set');
  const isolation = measured ?? (await measureIsolation(env.LOADER));
  const ok = isIsolated(isolation);
  // One busy moment is not to refuse this instance for good: only what held is remembered.
  if (ok) measured = isolation;
  const build = buildOf(env);
  if (route === 'health') return { ok, build, isolation } satisfies HealthResponse;
  const startedAt = performance.now();
  const parsed = readRequest(await readBody(request));
  // Slots of one request only: a promise of one request must not be settled by another.
  const backEnd = isolatesBackEnd(factoryOf(env, new Slots(HOST_PARALLELISM)));
  const verified = await verifyCases(backEnd, parsed, request.signal);
  return verifyAnswer(parsed, { build, isolation }, verified, startedAt);
}

function factoryOf(env: Env, slots: Slots): Factory {
  return {
    slots,
    scripts: ROOM_SCRIPTS,
    parsers: parsersOf(env),
    run: (bundle, task) => runLoaded(env.LOADER, bundle, task),
  };
}

type Attempt<T> = { readonly value: T } | { readonly failure: string };

/** Done in this very isolate, except for the stripping of types: nothing here can be interrupted. */
function parsersOf(env: Env): Parsers {
  const attempt = async <T>(work: Promise<T>): Promise<Attempt<T>> => {
    try {
      return { value: await work };
    } catch (error) {
      return { failure: messageOf(error) };
    }
  };
  // One after the other, and each to its end within one event: what replaces the engine finds nobody at work.
  let last: Promise<unknown> = Promise.resolve();
  const useEngine = <T>(work: (engine: Engine) => Promise<T>): Promise<Attempt<T>> => {
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

async function readBody(request: Request): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    // Read on without keeping: a caller that still writes would never see the answer.
    if (bytes <= MAX_REQUEST_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_REQUEST_BYTES) throw tooLarge();
  return new Blob(chunks).arrayBuffer();
}

function answer(env: Env, status: number, body: object): Response {
  const headers = { 'cache-control': 'no-store', [BUILD_HEADER]: env.BUILD_ID || 'unknown' };
  return Response.json(body, { status, headers });
}
