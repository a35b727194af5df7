/**
 * The OpenAPI 3.1 document, made from the table of routes and the schemas that the code parses and answers
 * with. Nothing is described by hand, so nothing can be described that is not served.
 */
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiOverride,
  type ZodOpenApiPathItemObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { FAULTS, type FaultCode } from '../errors.ts';
import { COMPONENTS } from './components.ts';
import { type Answer, FORM_TYPE, JSON_TYPE, type Route } from './route.ts';

const VERSION = '1';

const WEBHOOK_HEADERS = {
  'webhook-id': 'The same in every attempt.',
  'webhook-timestamp': 'Seconds since 1970 of this attempt.',
  'webhook-signature': 'Standard Webhooks, "v1,…" for each active secret, separated by spaces.',
};

const EVERYWHERE: readonly FaultCode[] = ['INVALID_QUERY', 'CONFIG_INVALID', 'INTERNAL'];
const WITH_TOKEN: readonly FaultCode[] = ['UNAUTHORIZED', 'FORBIDDEN', 'RATE_LIMITED'];
const WITH_BODY: readonly FaultCode[] = [
  'UNSUPPORTED_MEDIA_TYPE',
  'BODY_TOO_LARGE',
  'MALFORMED_JSON',
  'INVALID_REQUEST',
];

/** Plain JSON. The same for the same table. */
export function openApiDocument(routes: readonly Route[]): ReturnType<typeof createDocument> {
  const paths: Record<string, ZodOpenApiPathItemObject> = {};
  for (const one of routes) {
    const path = templateOf(one.path);
    paths[path] = { ...paths[path], [one.method]: operation(one) };
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Assay',
        version: VERSION,
        description: 'Generates code checks, verifies them in a sandbox, signs what passes.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      paths,
      webhooks: {
        generationEnded: { post: webhook('generationEnded', COMPONENTS.GenerationEnded) },
        batchEnded: { post: webhook('batchEnded', COMPONENTS.BatchEnded) },
      },
      components: {
        schemas: COMPONENTS,
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'A token of an organisation.' },
        },
      },
    },
    { override: openAnswers },
  );
}

/** Answers may get new fields; a client that took the document as closed would break on them. */
function openAnswers({ zodSchema, jsonSchema, io }: Parameters<ZodOpenApiOverride>[0]): void {
  const { def } = zodSchema._zod;
  if (io === 'output' && def.type === 'object' && def.catchall === undefined) {
    delete jsonSchema.additionalProperties;
  }
}

/** `/v1/things/:id` as `/v1/things/{id}`; the rest of a path is `{path}`. */
export function templateOf(path: string): string {
  return path.replace(/:([A-Za-z0-9]+)/g, '{$1}').replace('*', '{path}');
}

function operation(one: Route): ZodOpenApiOperationObject {
  const responses: Record<string, ZodOpenApiResponseObject> = {};
  for (const [status, answer] of Object.entries(one.answers)) responses[status] = response(answer);
  for (const [status, codes] of byStatus(errorsOf(one))) responses[status] ??= errorResponse(codes);
  return {
    operationId: operationId(one),
    summary: one.summary,
    security: one.scope === null ? [] : [{ token: [one.scope] }],
    requestParams: {
      path: z.object(Object.fromEntries(pathNames(one.path).map((name) => [name, z.string()]))),
      query: one.query as z.ZodObject,
      header: z.object(headers(one.headers ?? {})),
    },
    ...(one.body === null
      ? {}
      : {
          requestBody: {
            required: one.body.optional !== true,
            content: { [one.body.form ? FORM_TYPE : JSON_TYPE]: { schema: one.body.schema } },
          },
        }),
    responses,
  };
}

/** What is posted to a request's `callbackUrl`. */
function webhook(operationId: string, schema: z.ZodType): ZodOpenApiOperationObject {
  return {
    operationId,
    summary: 'What was asked for with a callbackUrl has ended',
    security: [],
    requestParams: { header: z.object(headers(WEBHOOK_HEADERS)) },
    requestBody: { required: true, content: { [JSON_TYPE]: { schema } } },
    responses: {
      '2XX': { description: 'It was taken.' },
      410: { description: 'Nobody wants it any more; it is not tried again.' },
      default: { description: 'It is tried again.' },
    },
  };
}

function response(answer: Answer): ZodOpenApiResponseObject {
  const { description, schema, type, or } = answer;
  const none = schema === undefined && type === undefined;
  const content = none
    ? undefined
    : {
        [type?.split(';')[0] ?? JSON_TYPE]: { schema: schema ?? z.string() },
        ...(or === undefined ? {} : { [or]: { schema: z.string() } }),
      };
  return {
    description,
    ...(content === undefined ? {} : { content }),
    ...(answer.headers === undefined ? {} : { headers: z.object(headers(answer.headers)) }),
  };
}

function errorResponse(codes: readonly FaultCode[]): ZodOpenApiResponseObject {
  return { description: codes.join(', '), content: { [JSON_TYPE]: { schema: COMPONENTS.Error } } };
}

export function errorsOf(one: Route): FaultCode[] {
  // Said before a route is reached; every other fault such a route answers in its own way.
  if (one.onFault !== undefined) return ['CONFIG_INVALID'];
  return [
    ...new Set([
      ...EVERYWHERE,
      ...(one.scope === null ? [] : WITH_TOKEN),
      ...(one.method === 'get' ? [] : WITH_BODY),
      ...(one.errors ?? []),
    ]),
  ];
}

function byStatus(codes: readonly FaultCode[]): Map<string, FaultCode[]> {
  const grouped = new Map<string, FaultCode[]>();
  for (const code of codes) {
    const status = String(FAULTS[code].status);
    grouped.set(status, [...(grouped.get(status) ?? []), code]);
  }
  return grouped;
}

function headers(named: Readonly<Record<string, string>>): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(named).map(([name, meaning]) => [name, z.string().optional().describe(meaning)]),
  );
}

function pathNames(path: string): string[] {
  return [...templateOf(path).matchAll(/\{([^}]+)\}/g)].map((match) => match[1] ?? '');
}

function operationId({ method, path }: Route): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
