/**
 * The host's HTTP face: `GET /healthz` and `POST /verify`, nothing else. It never runs untrusted code
 * and keeps nothing of a request but the stripped text of its check. Every answer, errors included,
 * carries the build header.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  HttpError,
  type Identity,
  isIsolated,
  readRequest,
  refusal,
  routeOf,
  tooLarge,
  verifyAnswer,
} from './http.ts';
import { log } from './log.ts';
import { BUILD_HEADER, type HealthResponse, MAX_REQUEST_BYTES } from './protocol.ts';
import { messageOf } from './text.ts';
import { type BackEnd, verifyCases } from './verify.ts';

export interface HostParts extends Identity {
  readonly backEnd: BackEnd;
  readonly token: string | undefined;
}

/** Long enough for 8 MiB from a slow caller, short enough that idle connections do not pile up. */
const REQUEST_READ_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;

export function createHost(parts: HostParts): Server {
  const server = createServer(
    { requestTimeout: REQUEST_READ_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS },
    (request, response) => {
      handle(parts, request, response).catch((error: unknown) => {
        if (!(error instanceof HttpError)) log('request.failed', { message: messageOf(error) });
        const { status, body } = refusal(error);
        // The rest of an unread body would be taken for the next request.
        response.setHeader('connection', 'close');
        send(parts, response, status, body);
        request.resume();
      });
    },
  );
  server.maxHeadersCount = 50;
  return server;
}

async function handle(parts: HostParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const route = routeOf(request.method, (request.url ?? '').split('?')[0]);
  if (!authorised(parts.token, request.headers.authorization)) {
    throw new HttpError(401, 'UNAUTHORIZED', 'a valid bearer token is needed');
  }
  if (route === 'health') {
    const ok = isIsolated(parts.isolation) && !parts.backEnd.slots.exhausted;
    const body: HealthResponse = { ok, build: parts.build, isolation: parts.isolation };
    send(parts, response, 200, body);
    return;
  }
  await verify(parts, request, response);
}

async function verify(parts: HostParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  // Before the body is read, so that a caller who leaves meanwhile is noticed too.
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const parsed = readRequest(await readBody(request));
  if (parts.backEnd.slots.exhausted) {
    throw new HttpError(503, 'INTERNAL', 'no room of this host can be used any more; restart it');
  }
  const verified = await verifyCases(parts.backEnd, parsed, gone.signal);
  if (gone.signal.aborted) {
    log('request.abandoned', { nonce: parsed.nonce });
    return;
  }
  const body = verifyAnswer(parsed, parts, verified, startedAt);
  const outcomes = verified.results.map((result) => result.outcome);
  log('request.done', { nonce: parsed.nonce, durationMs: body.durationMs, outcomes });
  send(parts, response, 200, body);
}

/** A body this many times too large is no longer read to its end for the sake of a proper answer. */
const DRAIN_FACTOR = 4;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_REQUEST_BYTES * DRAIN_FACTOR) throw tooLarge();
      // Not kept, but read on for a while: a caller still writing would never see our answer.
      if (bytes > MAX_REQUEST_BYTES) chunks.length = 0;
      else chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, 'BAD_REQUEST', 'the body could not be read');
  }
  if (bytes > MAX_REQUEST_BYTES) throw tooLarge();
  return Buffer.concat(chunks);
}

function authorised(token: string | undefined, header: string | undefined): boolean {
  if (token === undefined) return true;
  // Digests have one length, which timingSafeEqual needs and which hides the token's.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(`Bearer ${token}`), digest(header ?? ''));
}

function send(parts: HostParts, response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    [BUILD_HEADER]: parts.build.id,
  });
  response.end(bytes);
}
