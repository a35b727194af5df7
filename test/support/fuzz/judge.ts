/** What an answer to a hostile request may be. Names everything that is wrong with one; no verdict on the state. */
import { z } from 'zod';
import type { Route } from '../../../src/api/route.ts';
import { FAULTS, type FaultCode, messageOf } from '../../../src/errors.ts';
import { assertDeclared } from '../../worker/contract.ts';
import type { HostileRequest } from './hostile-request.ts';
import type { World } from './world.ts';

export interface HostileAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An error says what is wrong, and does not send a request of any size back. */
const MAX_ERROR_CHARS = 48 * 1024;
/** What our own texts never hold: places in code, the database's words, names of classes. */
const INNARDS =
  /\bat [^"]*\.[jt]s:\d|SQLITE|D1_|\bTypeError\b|\bRangeError\b|\bSyntaxError\b|\bZodError\b|node_modules|\bstack\b/;

const errorShape = z.strictObject({
  ok: z.literal(false),
  code: z.enum(Object.keys(FAULTS) as [FaultCode, ...FaultCode[]]),
  message: z.string().min(1),
  details: z.unknown().optional(),
});

export function faultsOf(
  request: HostileRequest,
  answer: HostileAnswer,
  routes: readonly Route[],
  { ids, secrets }: World,
): string[] {
  const { status, text } = answer;
  const faults = secrets.filter((secret) => text.includes(secret)).map((secret) => `holds ${secret}`);
  // What is no HTTP ends at the server in front of the Worker, which has its own ways to say so.
  if (request.wire && !isOurs(answer)) return faults;
  // A budget that is spent would hide whatever the request is about.
  if (status === 429) faults.push('was not looked at');
  const asks = routes.find((one) => one.method === request.method.toLowerCase() && isAt(one, request));
  const reached = routes.find((one) => one.method === request.method.toLowerCase() && mayBeAt(one, request));
  // What a route answers when it is asked how the service is.
  const means = reached?.onFault === undefined && reached?.answers[status] !== undefined;
  if ((status >= 500 && !means) || status < 200) faults.push(`status ${status}`);
  if (asks !== undefined) faults.push(...faultsOfAccess(request, status, asks, ids.foreign));
  const spoken = request.method === 'HEAD' || reached?.onFault !== undefined || means;
  if (status >= 400) faults.push(...faultsOfAnyError(answer), ...(spoken ? [] : faultsOfError(answer)));
  if (!isOurs(answer)) faults.push('may be sniffed');
  if (request.method !== 'HEAD' && !request.wire) faults.push(...undeclared(request, answer));
  return faults;
}

function faultsOfAccess(
  { method, target, caller, wire }: HostileRequest,
  status: number,
  asks: Route,
  foreign: readonly string[],
): string[] {
  const faults: string[] = [];
  // On the wire a request may be handed on as another one; what was changed shows in the state.
  const makes = method !== 'GET' && asks.scope !== 'read' && asks.onFault === undefined;
  if (makes && status < 400 && !wire) faults.push(`taken with ${status}`);
  if (asks.scope === null) return faults;
  const unknown = caller === 'none' || caller === 'bad';
  if (unknown && status !== 401 && !(wire && status >= 400)) faults.push(`${status} without a valid token`);
  const names = target.split(/[/?]/);
  if (status < 400 && foreign.some((id) => names.includes(id))) {
    faults.push(`${status} about what belongs to another`);
  }
  return faults;
}

function undeclared({ method, target }: HostileRequest, { status, headers, text }: HostileAnswer): string[] {
  try {
    assertDeclared(method, target, new Response(null, { status, headers }), parsed(text));
    return [];
  } catch (error) {
    return [messageOf(error).slice(0, 300)];
  }
}

/** Every answer of the Worker says so. */
export function isOurs({ headers }: HostileAnswer): boolean {
  return headers.get('x-content-type-options') === 'nosniff';
}

/** In whatever shape the route answers. */
function faultsOfAnyError({ headers, text }: HostileAnswer): string[] {
  const faults: string[] = [];
  if (headers.get('cache-control') !== 'no-store') faults.push('an error that may be kept');
  if (text.length > MAX_ERROR_CHARS) faults.push('an error of more than 48 KiB');
  if (INNARDS.test(text)) faults.push(`shows innards: ${INNARDS.exec(text)?.[0]}`);
  return faults;
}

function faultsOfError({ status, headers, text }: HostileAnswer): string[] {
  const type = headers.get('content-type');
  const faults = type === 'application/json' ? [] : [`an error as ${type}`];
  const body = errorShape.safeParse(parsed(text));
  if (!body.success) return [...faults, 'an error of another shape'];
  if (FAULTS[body.data.code].status !== status) faults.push(`${body.data.code} with status ${status}`);
  return faults;
}

/** As a server reads it, with an id of any kind. */
function mayBeAt({ path }: Route, { target }: HostileRequest): boolean {
  if (!URL.canParse(target, 'http://x')) return false;
  const { pathname } = new URL(target, 'http://x');
  return new RegExp(`^${path.replace(/:[A-Za-z0-9]+/g, '[^/]+').replace('*', '.+')}$`).test(pathname);
}

/** Written exactly as the table has it. */
function isAt(route: Route, { target }: HostileRequest): boolean {
  const path = target.split('?')[0] ?? '';
  return new RegExp(
    `^${route.path.replace(/:[A-Za-z0-9]+/g, '[A-Za-z0-9-]+').replace('*', '[A-Za-z0-9/.]+')}$`,
  ).test(path);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
