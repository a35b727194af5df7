/** The OpenAPI document: valid, complete, and what the files in the repository were made from. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { generatedFiles } from '../../../dev/openapi.ts';
import { app } from '../../../src/api/app.ts';
import { errorsOf, openApiDocument, templateOf } from '../../../src/api/openapi.ts';
import { ROUTES } from '../../../src/api/routes.ts';
import { FAULTS } from '../../../src/errors.ts';

type Operation = { responses: Record<string, { description: string }>; security: unknown[] };
const document = JSON.parse(JSON.stringify(openApiDocument(ROUTES))) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
};

test('is a valid OpenAPI 3.1 document', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(document.openapi).toBe('3.1.0');
});

test('describes every route that is served, and no other', () => {
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${templateOf(path)}`);
  const described = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual([...new Set(served)].sort());
});

describe.each(ROUTES.map((one) => [`${one.method} ${one.path}`, one] as const))('%s', (_name, one) => {
  const operation = document.paths[templateOf(one.path)]?.[one.method];

  test('names every code it can answer under its status', () => {
    for (const code of errorsOf(one)) {
      expect(operation?.responses[FAULTS[code].status]?.description).toContain(code);
    }
  });

  test('says whether it needs a token, and of which scope', () => {
    expect(operation?.security).toEqual(one.scope === null ? [] : [{ token: [one.scope] }]);
  });
});

test.each([...generatedFiles()])('%s is what `npm run openapi` writes', async (path, text) => {
  expect(await readFile(join(import.meta.dirname, '../../..', path), 'utf8')).toBe(text);
});
