/** Ways in which a model's endpoint and a sandbox answer what is no answer, and the code each has to end with. */
import { BUILD_HEADER, ISOLATION_FLAGS, MAX_RESPONSE_BYTES } from '../../container/protocol.ts';
import type { FaultCode } from '../../src/errors.ts';
import type { Fault } from './faults.ts';
import { isolation } from './rule.ts';

export interface BadService {
  readonly name: string;
  readonly instead: NonNullable<Fault['instead']>;
  readonly code: FaultCode;
}

const refusing =
  (status: number, type: string, headers: Record<string, string> = {}) =>
  async () =>
    Response.json({ type: 'error', error: { type, message: 'not now' } }, { status, headers });
const throwing = (error: Error) => () => Promise.reject(error);
const stream = (...events: string[]) =>
  new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } });
/** The first half of a good answer, and then nothing or an error. */
async function half(good: () => Promise<Response>, breaks: boolean): Promise<Response> {
  const { status, headers, body } = await good();
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  const part = bytes.slice(0, bytes.length / 2);
  if (!breaks) return new Response(part, { status, headers });
  const broken = new ReadableStream({
    start: (controller) => controller.enqueue(part),
    pull: (controller) => controller.error(new TypeError('Network connection lost.')),
  });
  return new Response(broken, { status, headers });
}

export const MODEL: readonly BadService[] = [
  {
    name: '429',
    instead: refusing(429, 'rate_limit_error', { 'retry-after': '7' }),
    code: 'MODEL_RATE_LIMITED',
  },
  { name: '529', instead: refusing(529, 'overloaded_error'), code: 'MODEL_UNAVAILABLE' },
  { name: '500', instead: refusing(500, 'api_error'), code: 'MODEL_UNAVAILABLE' },
  { name: '408', instead: refusing(408, 'timeout_error'), code: 'MODEL_TIMEOUT' },
  { name: '400', instead: refusing(400, 'invalid_request_error'), code: 'MODEL_BAD_REQUEST' },
  { name: '413', instead: refusing(413, 'request_too_large'), code: 'MODEL_BAD_REQUEST' },
  { name: '401', instead: refusing(401, 'authentication_error'), code: 'MODEL_UNAUTHORIZED' },
  { name: '403', instead: refusing(403, 'permission_error'), code: 'MODEL_UNAUTHORIZED' },
  {
    name: 'no connection',
    instead: throwing(new TypeError('connection refused')),
    code: 'MODEL_UNAVAILABLE',
  },
  {
    name: 'time-out',
    instead: throwing(new DOMException('timed out', 'TimeoutError')),
    code: 'MODEL_TIMEOUT',
  },
  { name: 'reset in mid-stream', instead: (good) => half(good, true), code: 'MODEL_UNAVAILABLE' },
  { name: 'stream cut short', instead: (good) => half(good, false), code: 'MODEL_UNAVAILABLE' },
  { name: 'empty stream', instead: async () => stream(), code: 'MODEL_UNAVAILABLE' },
  { name: 'no stream', instead: async () => new Response('<html>'), code: 'MODEL_UNAVAILABLE' },
  {
    name: 'garbage in the stream',
    instead: async () => stream('event: message_start\ndata: {"type":\n\n'),
    code: 'MODEL_UNAVAILABLE',
  },
  {
    name: 'overloaded in mid-stream',
    instead: async () =>
      stream('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"late"}}\n\n'),
    code: 'MODEL_UNAVAILABLE',
  },
];

const leaking = { ...isolation, flags: { ...isolation.flags, [ISOLATION_FLAGS[0]]: false } };

export const SANDBOX: readonly BadService[] = [
  {
    name: 'no connection',
    instead: throwing(new TypeError('connection refused')),
    code: 'SANDBOX_UNAVAILABLE',
  },
  {
    name: 'time-out',
    instead: throwing(new DOMException('late', 'TimeoutError')),
    code: 'SANDBOX_UNAVAILABLE',
  },
  { name: '500', instead: withStatus(500), code: 'SANDBOX_UNAVAILABLE' },
  { name: '503', instead: withStatus(503), code: 'SANDBOX_UNAVAILABLE' },
  { name: '400', instead: withStatus(400), code: 'SANDBOX_REFUSED_INPUT' },
  {
    name: 'a proxy answers',
    instead: async () => new Response('<html>', { status: 502 }),
    code: 'SANDBOX_UNAVAILABLE',
  },
  { name: 'cut answer', instead: (good) => half(good, false), code: 'SANDBOX_BAD_ANSWER' },
  { name: 'reset in mid-answer', instead: (good) => half(good, true), code: 'SANDBOX_UNAVAILABLE' },
  { name: 'garbage', instead: withBody(() => '\u0000{{{'), code: 'SANDBOX_BAD_ANSWER' },
  {
    name: 'too much',
    instead: withBody(() => ' '.repeat(MAX_RESPONSE_BYTES + 1)),
    code: 'SANDBOX_BAD_ANSWER',
  },
  { name: 'of another build', instead: withBuild('c'.repeat(64)), code: 'SANDBOX_UNAVAILABLE' },
  { name: 'of another call', instead: changed({ nonce: 'another' }), code: 'SANDBOX_BAD_ANSWER' },
  { name: 'a case is missing', instead: changed({ results: [] }), code: 'SANDBOX_BAD_ANSWER' },
  {
    name: 'no case was run',
    instead: changed({ results: [], notRun: ['c0', 'c1'] }),
    code: 'SANDBOX_UNAVAILABLE',
  },
  { name: 'a wall is down', instead: changed({ isolation: leaking }), code: 'SANDBOX_NOT_ISOLATED' },
];

function withStatus(status: number): NonNullable<Fault['instead']> {
  return async (good) => new Response('{}', { status, headers: (await good()).headers });
}
function withBuild(build: string): NonNullable<Fault['instead']> {
  return async (good) => new Response((await good()).body, { headers: { [BUILD_HEADER]: build } });
}
function withBody(change: (body: string) => string): NonNullable<Fault['instead']> {
  return async (good) => {
    const response = await good();
    return new Response(change(await response.text()), { headers: response.headers });
  };
}
function changed(over: object): NonNullable<Fault['instead']> {
  return withBody((body) => JSON.stringify({ ...JSON.parse(body), ...over }));
}
