/** Request bodies: media type, size and JSON checked before any schema sees them. */
import type { Context } from 'hono';
import type { z } from 'zod';
import { Fault } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { type Body, FORM_TYPE, JSON_TYPE } from './route.ts';

const MAX_ISSUES = 20;

/** @throws Fault UNSUPPORTED_MEDIA_TYPE | BODY_TOO_LARGE | MALFORMED_JSON | INVALID_REQUEST */
export async function readBody<T extends z.ZodType>(
  context: Context<AppEnv>,
  { schema, maxBytes, optional, form }: Body<T>,
): Promise<z.output<T>> {
  const declared = context.req.header('content-type');
  const mediaType = (declared ?? '').split(';')[0]?.trim().toLowerCase();
  const absent = optional === true && declared === undefined;
  if (absent && (await readText(context.req.raw, maxBytes)) === '') return checked(schema, {});
  const wanted = form === true ? FORM_TYPE : JSON_TYPE;
  if (mediaType !== wanted) throw new Fault('UNSUPPORTED_MEDIA_TYPE', `send the body as ${wanted}`);
  const text = await readText(context.req.raw, maxBytes);
  return checked(schema, form === true ? parseForm(text) : parseJson(text));
}

function parseForm(text: string): Record<string, string> {
  const fields = [...new URLSearchParams(text)];
  const names = new Set(fields.map(([name]) => name));
  if (names.size !== fields.length) throw new Fault('INVALID_REQUEST', 'a field is given twice');
  return Object.fromEntries(fields);
}

function checked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(parsed.error);
  return parsed.data;
}

/** Counts while reading, because a declared length is only a claim. */
async function readText(request: Request, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  let text = '';
  let bytes = 0;
  try {
    for await (const part of request.body ?? []) {
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
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault('MALFORMED_JSON', 'the body is not JSON');
  }
}

function invalid(error: z.ZodError): Fault {
  const details = error.issues
    .slice(0, MAX_ISSUES)
    .map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
  const [first] = details;
  const where = first?.path ? ` at ${first.path}` : '';
  return new Fault('INVALID_REQUEST', `the request does not fit${where}: ${first?.message ?? 'unknown'}`, {
    details,
  });
}
