/** Query strings, parsed as strictly as bodies: an unknown or repeated parameter is refused. */
import type { Context } from 'hono';
import type { z } from 'zod';
import { Fault } from '../errors.ts';
import type { AppEnv } from './context.ts';

/** Names of parameters are quoted, and may be as long as a path may. */
const SHOWN_CHARS = 300;

/** @throws Fault INVALID_QUERY */
export function parseQuery<T extends z.ZodType>(context: Context<AppEnv>, schema: T): z.output<T> {
  const values = context.req.queries();
  const repeated = Object.keys(values).find((name) => (values[name]?.length ?? 0) > 1);
  if (repeated !== undefined)
    throw new Fault('INVALID_QUERY', `parameter ${repeated.slice(0, SHOWN_CHARS)} is given twice`);
  const parsed = schema.safeParse(context.req.query());
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Fault(
    'INVALID_QUERY',
    `query does not fit at ${issue?.path.join('.') || 'top'}: ${issue?.message.slice(0, SHOWN_CHARS)}`,
  );
}
