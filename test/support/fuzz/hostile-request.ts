/**
 * Malformed and hostile requests, made from the table of routes, so that a new route is fuzzed by itself. Each is
 * a valid request that is broken in one place. One that could still change something, as far as the schemas say,
 * is sent with a token that may only read: whatever is answered, nothing may change.
 */
import type { z } from 'zod';
import { FORM_TYPE, JSON_TYPE, type Route } from '../../../src/api/route.ts';
import { brokenBody, brokenForm, formText } from './bodies.ts';
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
const JSON_HEADER: Header = ['content-type', JSON_TYPE];
const NO_JSON = new TextEncoder().encode('{');

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
  const sent = draft.body ?? null;
  const headers = draft.headers ?? (sent === null ? [] : [typeOf(route)]);
  const wanted = draft.caller ?? (once(12) ? pick(['none', 'bad'] as const) : once(6) ? 'read' : 'admin');
  const harmless = draft.wrong === true || !couldChange(routes, world, method, path, sent);
  const caller = wanted === 'admin' && !harmless ? 'read' : wanted;
  // Where no token is asked for, none can be too weak.
  const open = routes.filter((one) => one.scope === null);
  const body = !harmless && couldChange(open, world, method, path, sent) ? NO_JSON : sent;
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
    () => oddHeadersWith(body, typeOf(route), choose),
    () => ({ what: 'token', caller: pick(['none', 'bad'] as const), body }),
  ];
  if (route.body !== null) {
    const { maxBytes, form } = route.body;
    const example = exampleBody(route, world);
    const ofBody = (): Draft => {
      const { what, bytes, wrong } = (form === true ? brokenForm : brokenBody)(example, maxBytes, choose);
      return { what: `body: ${what}`, body: bytes, wrong };
    };
    makers.push(ofBody, ofBody, ofBody, ofBody, ofBody, ofBody);
    if (form !== true) {
      makers.push(() => ({ what: 'headers of the body', ...wrongBodyHeaders(choose), body }));
    }
  } else if (route.method !== 'get') {
    makers.push(() => ({ what: 'a body where there is none', body: unexpectedBody(choose), wrong: true }));
  }
  if (route.headers !== undefined && Object.hasOwn(route.headers, 'idempotency-key')) {
    makers.push(() => ({
      what: 'idempotency key',
      headers: [typeOf(route), ['idempotency-key', pick(BAD_KEYS)]],
      body,
      wrong: true,
    }));
  }
  return pick(makers)();
}

function oddHeadersWith(body: Uint8Array | null, type: Header, choose: Picker): Draft {
  const odd = oddHeaders(choose);
  // Lengths and encodings are said once, by the odd header: with a body two requests could be read.
  if (odd.wire) return { what: 'headers on the wire', headers: odd.headers, body: null, wire: true };
  const own = odd.headers.some(([name]) => name === 'content-type') || body === null ? [] : [type];
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
  const example = exampleBody(route, world);
  return new TextEncoder().encode(route.body.form === true ? formText(example) : JSON.stringify(example));
}

function typeOf({ body }: Route): Header {
  return body?.form === true ? ['content-type', FORM_TYPE] : JSON_HEADER;
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
    if (route.scope === 'read') return false;
    const named = route.path.split(/:[A-Za-z0-9]+|\*/).every((part) => kind.includes(part.toLowerCase()));
    if (!named || (route.path.includes(':') && !ours)) return false;
    // Trust documents are taken for their signatures: changed ones can be sent by anybody.
    if (route.path === '/v1/keys/trust' && !sameBytes(body, validBody(route, world))) return false;
    // A form lets a device in that waits; none does.
    if (route.body?.form === true) return false;
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
