/**
 * Malformed and hostile requests, made from the table of routes, so that a new route is fuzzed by itself. Each is
 * a valid request that is broken in one place. One that could still change something, as far as the schemas say,
 * is sent with a token that may only read: whatever is answered, nothing may change.
 */
import type { z } from 'zod';
import type { Route } from '../../../src/api/route.ts';
import { brokenBody } from './bodies.ts';
import { exampleOf, exampleQuery } from './examples.ts';
import { BAD_KEYS, type Header, oddHeaders, wrongBodyHeaders } from './headers.ts';
import { type Picker, picker } from './picker.ts';
import { brokenPath, brokenQuery, plainPath } from './targets.ts';
import type { World } from './world.ts';

export type Caller = 'admin' | 'read' | 'none' | 'bad';

export interface HostileRequest {
  readonly index: number;
  /** Of the route it is a mutant of. */
  readonly route: string;
  readonly what: string;
  readonly method: string;
  readonly target: string;
  /** The host among them only when it is odd. */
  readonly headers: readonly Header[];
  readonly body: Uint8Array | null;
  readonly caller: Caller;
  /** It is no HTTP, or no client library sends it: only a raw connection can. */
  readonly wire: boolean;
}

interface Draft {
  readonly what: string;
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: readonly Header[];
  readonly body?: Uint8Array | null;
  readonly caller?: Caller;
  /** Nobody may take it, whatever the schemas say. */
  readonly wrong?: boolean;
  readonly wire?: boolean;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const WIRE_METHODS = ['TRACE', 'CONNECT', 'FOO', 'PROPFIND', 'PURGE', 'get', 'Delete', 'G\u00c4T', ''];
const JSON_HEADER: Header = ['content-type', 'application/json'];

/** The request of this number. The same seed, routes and world give the same one. */
export function hostileRequest(
  routes: readonly Route[],
  world: World,
  seed: number,
  index: number,
): HostileRequest {
  const choose = picker(seed, index);
  const { pick, once } = choose;
  // Those that take a body are where most can go wrong.
  const route = pick(once(2) ? routes : routes.filter((one) => one.method !== 'get'));
  const draft = broken(route, world, choose);
  const method = draft.method ?? route.method.toUpperCase();
  const path = draft.path ?? plainPath(route.path, world.ids, choose);
  const target = draft.query === undefined || draft.query === '' ? path : `${path}?${draft.query}`;
  const body = draft.body ?? null;
  const headers = draft.headers ?? (body === null ? [] : [JSON_HEADER]);
  const wanted = draft.caller ?? (once(12) ? pick(['none', 'bad'] as const) : once(6) ? 'read' : 'admin');
  const harmless = draft.wrong === true || !couldChange(routes, world, method, path, body);
  const caller = wanted === 'admin' && !harmless ? 'read' : wanted;
  return {
    index,
    route: `${route.method} ${route.path}`,
    what: draft.what,
    method,
    target,
    headers: [...authorization(caller, world, choose), ...headers],
    body,
    caller,
    wire: draft.wire === true || !/^\/[\x21-\x7e]*$/.test(target),
  };
}

/** The route's request, broken in one place. What is not named is as it should be. */
function broken(route: Route, world: World, choose: Picker): Draft {
  const { pick } = choose;
  const body = validBody(route, world);
  const makers: (() => Draft)[] = [
    () => ({ what: 'path', path: brokenPath(route.path, world.ids, choose), body }),
    () => {
      const { text, wrong } = brokenQuery(exampleQuery(route.query), world.ids, choose);
      return { what: 'query', query: text, body, wrong };
    },
    () => otherMethod(body, choose),
    () => ({ ...oddHeadersWith(body, choose) }),
    () => ({ what: 'token', caller: pick(['none', 'bad'] as const), body }),
  ];
  if (route.body !== null) {
    const { maxBytes } = route.body;
    const example = exampleBody(route, world);
    const ofBody = (): Draft => {
      const { what, bytes, wrong } = brokenBody(example, maxBytes, choose);
      return { what: `body: ${what}`, body: bytes, wrong };
    };
    makers.push(ofBody, ofBody, ofBody, ofBody, ofBody, ofBody, () => ({
      what: 'headers of the body',
      ...wrongBodyHeaders(choose),
      body,
    }));
  } else if (route.method !== 'get') {
    makers.push(() => ({ what: 'a body where there is none', body: unexpectedBody(choose), wrong: true }));
  }
  if (route.headers !== undefined && Object.hasOwn(route.headers, 'idempotency-key')) {
    makers.push(() => ({
      what: 'idempotency key',
      headers: [JSON_HEADER, ['idempotency-key', pick(BAD_KEYS)]],
      body,
      wrong: true,
    }));
  }
  return pick(makers)();
}

function oddHeadersWith(body: Uint8Array | null, choose: Picker): Draft {
  const odd = oddHeaders(choose);
  // Lengths and encodings are said once, by the odd header: with a body two requests could be read.
  if (odd.wire) return { what: 'headers on the wire', headers: odd.headers, body: null, wire: true };
  const own = odd.headers.some(([name]) => name === 'content-type') || body === null ? [] : [JSON_HEADER];
  return { what: 'headers', headers: [...own, ...odd.headers], body };
}

function otherMethod(body: Uint8Array | null, { pick, once }: Picker): Draft {
  if (once(5)) return { what: 'method on the wire', method: pick(WIRE_METHODS), body: null, wire: true };
  const method = pick(METHODS);
  const without = ['GET', 'HEAD', 'OPTIONS'].includes(method);
  return { what: `method ${method}`, method, body: without ? null : body };
}

function unexpectedBody({ pick }: Picker): Uint8Array {
  const text = pick([
    '{"x":1}',
    '[]',
    'null',
    '"x"',
    '{',
    '\u0000',
    '{"force":true}',
    'a=b',
    '{"__proto__":{}}',
  ]);
  return new TextEncoder().encode(text);
}

const examples = new Map<Route, unknown>();

function exampleBody(route: Route, world: World): unknown {
  const given = world.bodies[`${route.method} ${route.path}`];
  if (given !== undefined) return given;
  if (!examples.has(route)) examples.set(route, exampleOf(route.body?.schema as z.ZodType));
  return examples.get(route);
}

function validBody(route: Route, world: World): Uint8Array | null {
  if (route.body === null) return null;
  return new TextEncoder().encode(JSON.stringify(exampleBody(route, world)));
}

function authorization(caller: Caller, { tokens }: World, choose: Picker): Header[] {
  if (caller === 'none') return [];
  if (caller !== 'bad') return [['authorization', `Bearer ${tokens[caller]}`]];
  const { admin } = tokens;
  const bad = choose.pick([
    'Bearer',
    'Bearer ',
    'Bearer x',
    `Basic ${admin}`,
    `Bearer ${admin}x`,
    `Bearer ${admin.slice(0, -1)}`,
    `Bearer ${admin.toUpperCase()}!`,
    `Bearer  ${admin}`,
    `Bearer ${admin} ${admin}`,
    `Bearer ${admin}, Bearer ${admin}`,
    `Bearer "${admin}"`,
    `Token ${admin}`,
    admin,
    `Bearer ${'x'.repeat(600)}`,
    `Bearer ${'0'.repeat(64)}`,
    "Bearer ' OR '1'='1",
    'Bearer null',
    'Bearer undefined',
  ]);
  return [['authorization', bad]];
}

/**
 * Whether a request could change something if it were read as kindly as can be: any route with this method that
 * the path could mean, a path with one of our ids, a body that fits.
 */
function couldChange(
  routes: readonly Route[],
  world: World,
  method: string,
  path: string,
  body: Uint8Array | null,
): boolean {
  const kind = kindly(path);
  const ours = world.ids.own.some((id) => kind.includes(id.toLowerCase()));
  return routes.some((route) => {
    if (route.method === 'get' || route.method !== method.toLowerCase()) return false;
    const named = route.path.split(/:[A-Za-z0-9]+|\*/).every((part) => kind.includes(part.toLowerCase()));
    if (!named || (route.path.includes(':') && !ours)) return false;
    // Trust documents are taken for their signatures: changed ones can be sent by anybody.
    if (route.path === '/v1/keys/trust' && !sameBytes(body, validBody(route, world))) return false;
    return route.body === null || fits(route.body.schema, body, route.body.optional === true);
  });
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a?.length === b?.length && (a === null || a.every((byte, n) => byte === b?.[n]));
}

/** Decoded as often as somebody might, without empty and dotted segments, in lower case. */
function kindly(path: string): string {
  let text = path;
  for (let n = 0; n < 3; n += 1) {
    text = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
  const pathname = new URL(
    `http://x${text
      .replace(/^[^/]/, '/')
      .replaceAll('\\', '/')
      .replace(/\/{2,}/g, '/')}`,
  ).pathname;
  return `${text} ${pathname}/`.toLowerCase();
}

function fits(schema: z.ZodType, body: Uint8Array | null, optional: boolean): boolean {
  const text = body === null ? '' : new TextDecoder().decode(body);
  if (text === '') return optional;
  try {
    return schema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}
