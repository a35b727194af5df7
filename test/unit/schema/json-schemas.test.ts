import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { schemaTexts } from '../../../dev/schemas.ts';
import { signedRule } from '../../support/signed.ts';
import type { VectorFile } from '../../support/vectors/vector.ts';

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');
const validators = new Map(
  [...schemaTexts()].map(([name, text]) => {
    // Formats are zod's own; the patterns beside them are what JSON Schema can check.
    const ajv = new Ajv2020({ strict: true, strictRequired: false, validateFormats: false });
    return [name, ajv.compile(JSON.parse(text))] as const;
  }),
);
const accepts = (name: string, value: unknown): boolean => validators.get(name)?.(value) === true;

test.each([...schemaTexts()])('%s is the one of this checkout; else: npm run schemas', async (name, text) => {
  expect(await read(`docs/spec/schemas/${name}`)).toBe(text);
});

describe('the schemas say what the verifier says', () => {
  test('of a good bundle and its statement', async () => {
    const { bundle, statement } = await signedRule();
    expect(accepts('bundle.schema.json', JSON.parse(new TextDecoder().decode(bundle)))).toBe(true);
    expect(accepts('verified-rule-v1.schema.json', statement)).toBe(true);
  });

  test('of every vector whose statement does not fit', async () => {
    const file = JSON.parse(await read('fixtures/vectors/verification.json')) as VectorFile;
    const misfits = file.vectors.filter(({ expect: reason }) =>
      ['statement_malformed', 'predicate_unknown'].includes(reason),
    );
    expect(misfits.length).toBeGreaterThan(20);
    const accepted = misfits.filter(({ bundle = '' }) => {
      const { dsseEnvelope } = JSON.parse(Buffer.from(bundle, 'base64').toString('utf8'));
      return accepts('verified-rule-v1.schema.json', parsed(dsseEnvelope.payload));
    });
    expect(accepted.map(({ name }) => name)).toEqual([]);
  });
});

function parsed(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
