/**
 * Request bodies: media type, encoding, size and JSON checked before any schema sees them. A body that two
 * readers could read differently is refused, and so is one that the route does not declare.
 */
import type { Context } from 'hono';
import { z } from 'zod';
import { Fault } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { type Body, FORM_TYPE, JSON_TYPE, type Route } from './route.ts';
import { jsonProblem } from './strict-json.ts';

const MAX_ISSUES = 20;
/** Issues quote keys and values of the body, which may be as long as the body is. */
const MAX_ISSUE_CHARS = 300;
const MAX_EMPTY_BYTES = 1_024;

/** Of a route that declares none: nothing, or an empty object. */
const NO_BODY: Body = { schema: z.strictObject({}), maxBytes: MAX_EMPTY_BYTES, optional: true };

interface Unread {
  /** As it was declared; absent when there is no header. */
  readonly type: string | undefined;
  readonly encoding: string | undefined;
  readonly request: Request;
}

/** @throws Fault UNSUPPORTED_MEDIA_TYPE | BODY_TOO_LARGE | MALFORMED_JSON | INVALID_REQUEST */
export async function bodyOf(context: Context<AppEnv>, { body, method }: Route): Promise<unknown> {
  if (body !== null) return readBody(context, body);
  // What comes with a GET has no meaning (RFC 9110 §9.3.1) and is not looked at.
  if (method !== 'get') await readBody(context, NO_BODY);
  return undefined;
}

async function readBody(context: Context<AppEnv>, declared: Body): Promise<unknown> {
  const { schema, maxBytes, optional, form } = declared;
  const unread: Unread = {
    type: context.req.header('content-type'),
    encoding: context.req.header('content-encoding'),
    request: context.req.raw,
  };
  const absent = optional === true && unread.type === undefined;
  if (absent && (await readText(unread.request, maxBytes)) === '') return checked(schema, {});
  refuseOtherTypes(unread, form === true ? FORM_TYPE : JSON_TYPE);
  const text = await readText(unread.request, maxBytes);
  return checked(schema, form === true ? parseForm(text) : parseJson(text));
}

function refuseOtherTypes({ type, encoding }: Unread, wanted: string): void {
  const [mediaType, ...parameters] = (type ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (mediaType !== wanted) throw new Fault('UNSUPPORTED_MEDIA_TYPE', `send the body as ${wanted}`);
  const charset = parameters.find((one) => one.startsWith('charset'));
  if (charset !== undefined && !/^charset\s*=\s*"?utf-?8"?$/.test(charset)) {
    throw new Fault('UNSUPPORTED_MEDIA_TYPE', 'send the body as UTF-8');
  }
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw new Fault('UNSUPPORTED_MEDIA_TYPE', 'send the body as it is, without a content-encoding');
  }
}

function parseForm(text: string): Record<string, string> {
  const fields = [...new URLSearchParams(text)];
  const names = new Set(fields.map(([name]) => name));
  if (names.size !== fields.length) throw new Fault('INVALID_REQUEST', 'a field is given twice');
  return Object.fromEntries(fields);
}

function checked(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
  );
}

/** Counts while reading, because a declared length is only a claim. */
async function readText(request: Request, maxBytes: number): Promise<string> {
  // A byte order mark stays, and is no JSON.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  let bytes = 0;
  try {
    // Not cancelled when it is too much: what is left is drained before the answer.
    for await (const part of request.body?.values({ preventCancel: true }) ?? []) {
      bytes += part.byteLength;
      if (bytes > maxBytes) throw new Fault('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
      text += decoder.decode(part, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('MALFORMED_JSON', 'the body is not UTF-8 text');
  }
}

function parseJson(text: string): unknown {
  const problem = jsonProblem(text);
  if (problem !== null) throw invalid([problem]);
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault('MALFORMED_JSON', 'the body is not JSON');
  }
}

function invalid(problems: readonly { readonly path: string; readonly message: string }[]): Fault {
  const details = problems
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => ({ path: cut(path), message: cut(message) }));
  const [first] = details;
  const where = first?.path ? ` at ${first.path}` : '';
  return new Fault('INVALID_REQUEST', `the request does not fit${where}: ${first?.message ?? 'unknown'}`, {
    details,
  });
}

function cut(text: string): string {
  return text.length > MAX_ISSUE_CHARS ? `${text.slice(0, MAX_ISSUE_CHARS)}…` : text;
}
