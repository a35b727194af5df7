/**
 * What a route is: one entry of the table that is served, that the OpenAPI document is made from, and that
 * says who may call. A route cannot read a query or a body it does not declare: what is not declared is refused.
 */
import type { Context } from 'hono';
import { z } from 'zod';
import type { FaultCode } from '../errors.ts';
import type { Scope } from '../schema/tokens.ts';
import type { AppEnv } from './context.ts';

export const JSON_TYPE = 'application/json';
export const FORM_TYPE = 'application/x-www-form-urlencoded';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

export interface Answer {
  readonly description: string;
  /** Of the body; without it and without `type` there is none. */
  readonly schema?: z.ZodType;
  /** Media type of the body: JSON with a schema, else text. */
  readonly type?: string;
  /** Another media type it may have, as text, when the caller asks for it. */
  readonly or?: string;
  /** Response headers worth naming, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Body<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  readonly maxBytes: number;
  /** Sent by a page as a form, instead of JSON: an object of texts. */
  readonly form?: boolean;
  /** No body at all is an empty object. */
  readonly optional?: boolean;
}

interface Common {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** In the router's notation, `/v1/things/:id`. */
  readonly path: string;
  readonly summary: string;
  /** The scope its token needs; `null`: public. */
  readonly scope: Scope | null;
  /** Which budget a call counts against, when not the one of its scope. Without a token, none. */
  readonly budget?: 'read' | 'create';
  /** Request headers it reads, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Codes of its own; those that every route of its kind can answer are added by the document. */
  readonly errors?: readonly FaultCode[];
  /** Answers what is thrown in another service's shape. `answers` then declares every one of these. */
  readonly onFault?: (error: unknown, context: Context<AppEnv>) => Response;
}

export interface Input<Q, B> {
  readonly query: Q;
  readonly body: B;
}

export interface Route extends Common {
  readonly query: z.ZodType;
  readonly body: Body | null;
  readonly handle: (context: Context<AppEnv>, input: Input<never, never>) => Promise<Response> | Response;
}

const noQuery = z.strictObject({});
type NoQuery = typeof noQuery;

/** Keeps the types of query and body between the declaration and its handler. */
export function route<Q extends z.ZodType = NoQuery, B extends z.ZodType = z.ZodUndefined>(
  spec: Common & {
    readonly query?: Q;
    readonly body?: Body<B>;
    readonly handle: (
      context: Context<AppEnv>,
      input: Input<z.output<Q>, z.output<B>>,
    ) => Promise<Response> | Response;
  },
): Route {
  return { ...spec, query: spec.query ?? noQuery, body: spec.body ?? null };
}

/** A parameter of the path, which the router has matched. */
export function pathParam(context: Context<AppEnv>, name: string): string {
  return context.req.param(name) ?? '';
}
