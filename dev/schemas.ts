/**
 * Writes the JSON Schemas in `docs/spec/schemas/`, generated from the zod schemas that the code parses with:
 * `npm run schemas`. A test says when they are out of date.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { bundleSchema, statementSchema } from '../src/schema/statement.ts';
import { documentSchema, revocationsSchema, trustRootSchema } from '../src/schema/trust.ts';
import { policySchema } from '../src/signing/policy.ts';

const FOLDER = fileURLToPath(new URL('../docs/spec/schemas/', import.meta.url));

const SCHEMAS: Readonly<Record<string, { readonly title: string; readonly schema: z.ZodType }>> = {
  'bundle.schema.json': {
    title: 'Bundle: the subset of Sigstore bundle v0.3 that Assay writes',
    schema: bundleSchema,
  },
  'verified-rule-v1.schema.json': {
    title: 'Statement with predicate verified-rule v1',
    schema: statementSchema,
  },
  'trust-document.schema.json': {
    title: 'Envelope of a trust document: DSSE with several signatures',
    schema: documentSchema,
  },
  'trust-root-v1.schema.json': { title: 'Trust root v1, the payload', schema: trustRootSchema },
  'revocations-v1.schema.json': { title: 'Revocation list v1, the payload', schema: revocationsSchema },
  'policy-v1.schema.json': { title: 'Policy v1 of a consumer of signed rules', schema: policySchema },
};

/** Text of every schema file, by name. */
export function schemaTexts(): Map<string, string> {
  return new Map(
    Object.entries(SCHEMAS).map(([name, { title, schema }]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
      return [name, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`];
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await mkdir(FOLDER, { recursive: true });
  for (const [name, text] of schemaTexts()) {
    await writeFile(`${FOLDER}${name}`, text);
    console.log(`docs/spec/schemas/${name}`);
  }
}
