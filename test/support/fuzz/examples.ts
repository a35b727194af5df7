/**
 * A value that fits a schema, found by walking it, so that a new route is fuzzed from a valid request without
 * anybody writing one. What has rules across fields is known by its schema object. No promise: where nothing
 * fits, what is returned is a near miss, which is hostile too.
 */
import type { z } from 'zod';
import { requestSchema } from '../../../src/schema/request.ts';
import { request } from '../rule.ts';

const KNOWN = new Map<unknown, unknown>([
  [requestSchema, { ...request, name: 'no-eval', severity: 'warning', limits: { attempts: 2 } }],
]);

const TEXTS = [
  'x',
  'true',
  '1',
  'no-eval',
  'failed',
  '2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00.000Z',
  'https://example.com/x',
  'example.com',
  'eA==',
  `${'A'.repeat(43)}=`,
  '0'.repeat(64),
  ...['gen', 'rule', 'tok'].map((prefix) => `${prefix}-${'0'.repeat(26)}`),
];
const OTHERS = [{}, [], 1, 0, 1_000, 0.5, true, null];

interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly getter?: () => z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly values?: readonly unknown[];
}

export function exampleOf(schema: z.ZodType): unknown {
  if (KNOWN.has(schema)) return KNOWN.get(schema);
  const def = schema._zod.def as unknown as Def;
  if (def.shape !== undefined) return objectOf(schema, def.shape);
  if (def.element !== undefined) return arrayOf(schema, def.element);
  if (def.valueType !== undefined) return { 'a.ts': exampleOf(def.valueType) };
  const inner = def.innerType ?? def.getter?.() ?? def.in ?? def.options?.[0];
  if (inner !== undefined) {
    const found = exampleOf(inner);
    if (schema.safeParse(found).success) return found;
  }
  const fixed = def.values ?? (def.entries === undefined ? [] : Object.values(def.entries));
  const candidates = [...fixed, ...TEXTS, ...OTHERS];
  return candidates.find((one) => schema.safeParse(one).success) ?? 'x';
}

/** With every optional field, unless they do not go together. */
function objectOf(schema: z.ZodType, shape: Readonly<Record<string, z.ZodType>>): unknown {
  const all = Object.entries(shape).map(([name, field]) => [name, exampleOf(field), field] as const);
  const whole = Object.fromEntries(all.map(([name, value]) => [name, value]));
  if (schema.safeParse(whole).success) return whole;
  const needed = all.filter(([, , field]) => !field.safeParse(undefined).success);
  return Object.fromEntries(needed.map(([name, value]) => [name, value]));
}

function arrayOf(schema: z.ZodType, element: z.ZodType): unknown {
  const one = exampleOf(element);
  return [[one], [one, one], []].find((list) => schema.safeParse(list).success) ?? [one];
}

/** Query parameters by name, each with a text that fits. */
export function exampleQuery(schema: z.ZodType): readonly (readonly [string, string])[] {
  const { shape } = schema._zod.def as unknown as Def;
  return Object.entries(shape ?? {}).map(([name, field]) => [
    name,
    TEXTS.find((text) => field.safeParse(text).success) ?? 'x',
  ]);
}
