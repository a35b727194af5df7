/**
 * Writes the OpenAPI document as the service answers it and the types of the command line's client, made from
 * it: `npm run openapi`. A test says when they are out of date.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openApiDocument } from '../src/api/openapi.ts';
import { ROUTES } from '../src/api/routes.ts';
import { typesOf } from './openapi-types.ts';

const ROOT = join(import.meta.dirname, '..');

/** Text of every generated file, by path from the root. */
export function generatedFiles(): Map<string, string> {
  const document = JSON.parse(JSON.stringify(openApiDocument(ROUTES))) as Record<string, unknown>;
  return new Map([
    ['docs/spec/openapi.json', `${JSON.stringify(document, null, 2)}\n`],
    ['cli/api-types.ts', typesOf(document)],
  ]);
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, text] of generatedFiles()) {
    await writeFile(join(ROOT, path), text);
    console.log(path);
  }
}
