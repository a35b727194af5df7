/** What an answer to a hostile request may be. Names everything that is wrong with one; no verdict on the state. */
import { z } from 'zod';
import type { Route } from '../../../src/api/route.ts';
import { FAULTS, type FaultCode } from '../../../src/errors.ts';
import { assertDeclared } from '../../worker/contract.ts';
import type { HostileRequest, World } from './hostile-request.ts';

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
  const faults: string[] = [];
  const { status, text } = answer;
  if (status >= 500 || status < 200) faults.push(`status ${status}`);
  const asks = routes.find((one) => one.method === request.method.toLowerCase() && isAt(one, request));
  if (asks !== undefined && asks.method !== 'get' && status < 400) faults.push(`taken with ${status}`);
  if (
    asks !== undefined &&
    asks.scope !== null &&
    ['none', 'bad'].includes(request.caller) &&
    status !== 401
  ) {
    faults.push(`${status} without a valid token`);
  }
  const names = request.target.split(/[/?]/);
  if (asks?.scope != null && status < 400 && ids.foreign.some((id) => names.includes(id))) {
    faults.push(`${status} about what belongs to another`);
  }
  for (const secret of secrets) if (text.includes(secret)) faults.push(`holds ${secret}`);
  if (status >= 400 && request.method !== 'HEAD') faults.push(...faultsOfError(answer));
  if (answer.headers.get('x-content-type-options') !== 'nosniff') faults.push('may be sniffed');
  if (request.method !== 'HEAD' && !request.wire) {
    try {
      const { headers } = answer;
      assertDeclared(request.method, request.target, new Response(null, { status, headers }), parsed(text));
    } catch (error) {
      faults.push(error instanceof Error ? error.message.slice(0, 300) : String(error));
    }
  }
  return faults;
}

function faultsOfError({ status, headers, text }: HostileAnswer): string[] {
  const faults: string[] = [];
  if (headers.get('content-type') !== 'application/json')
    faults.push(`an error as ${headers.get('content-type')}`);
  if (headers.get('cache-control') !== 'no-store') faults.push('an error that may be kept');
  if (text.length > MAX_ERROR_CHARS) faults.push('an error of more than 48 KiB');
  const body = errorShape.safeParse(parsed(text));
  if (!body.success) return [...faults, 'an error of another shape'];
  if (FAULTS[body.data.code].status !== status) faults.push(`${body.data.code} with status ${status}`);
  if (INNARDS.test(text)) faults.push(`shows innards: ${INNARDS.exec(text)?.[0]}`);
  return faults;
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
