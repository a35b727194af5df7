/** What is public of the Taskless contract: its routes, their schemas, and vectors for its content hash. */
import { z } from 'zod';
import { HASH_VECTORS } from '../../rules/hash-vectors.ts';
import { manifestAnswer, vectorsAnswer } from '../../schema/taskless.ts';
import { openApiDocument, templateOf } from '../openapi.ts';
import { type Route, route } from '../route.ts';
import { errorAnswers, tasklessFault } from './refusal.ts';

const SCHEMA_PATH = '/cli/api/__schema';
const PUBLIC = { scope: null, onFault: tasklessFault } as const;
const ERRORS = errorAnswers({ scope: null, body: false });

/** @param others every other route of the contract */
export function aboutRoutes(others: readonly Route[]): readonly Route[] {
  let document: unknown;
  const routes: Route[] = [
    route({
      ...PUBLIC,
      method: 'get',
      path: '/cli/api/rule-hash-vectors',
      summary: 'Taskless: the content hash of a check on fixed inputs',
      answers: { 200: { description: 'Inputs and signatures.', schema: vectorsAnswer }, ...ERRORS },
      handle: (context) => context.json({ vectors: HASH_VECTORS }),
    }),
    route({
      ...PUBLIC,
      method: 'get',
      path: '/cli/api',
      summary: 'Taskless: the routes of this contract',
      answers: { 200: { description: 'All of them.', schema: manifestAnswer }, ...ERRORS },
      handle: (context) =>
        context.json({
          name: 'Assay',
          schema: SCHEMA_PATH,
          endpoints: [...others, ...routes].map(({ method, path, summary, scope }) => ({
            method: method.toUpperCase(),
            path: templateOf(path),
            summary,
            token: scope !== null,
          })),
        }),
    }),
    route({
      ...PUBLIC,
      method: 'get',
      path: SCHEMA_PATH,
      summary: 'Taskless: OpenAPI document of this contract alone',
      answers: {
        200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) },
        ...ERRORS,
      },
      handle: (context) => {
        document ??= openApiDocument([...others, ...routes]);
        return context.json(document);
      },
    }),
  ];
  return routes;
}
