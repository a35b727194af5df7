/**
 * Reads `fixtures/hostile/`: one attack per file, a complete `check.ts` whose first comment says in YAML what
 * it tries and how exactly it must end. The format is described in `fixtures/hostile/README.md`.
 * A header that says too little or too much is an error, never a weaker test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { OUTCOMES } from '../../../container/protocol.ts';
import { CORPUS_BACK_ENDS } from './names.ts';

export const CORPUS_DIR = join(import.meta.dirname, '../../../fixtures/hostile');

/** What a reader finds first in the matrix; also the folders. */
export const CATEGORIES = [
  'time',
  'memory',
  'processes',
  'output',
  'forged',
  'files',
  'network',
  'secrets',
  'privilege',
  'nondeterminism',
  'malformed',
  'narrow',
] as const;
export type Category = (typeof CATEGORIES)[number];

/** Measured from outside for every attack; a header names those that tell most about it. */
export const WATCHES = ['control', 'processes', 'network', 'files', 'secrets', 'time', 'answer'] as const;
export type Watch = (typeof WATCHES)[number];

const findingSchema = z.strictObject({
  file: z.string(),
  message: z.string(),
  line: z.int().optional(),
  column: z.int().optional(),
  severity: z.enum(['error', 'warning', 'info']).optional(),
});

const endSchema = z
  .strictObject({
    outcome: z.enum(OUTCOMES),
    stage: z.enum(['narrow', 'check']).default('check'),
    findings: z.array(findingSchema).default([]),
    /** `message` is a regular expression. */
    error: z
      .strictObject({ name: z.string(), message: z.string().optional(), line: z.int().optional() })
      .optional(),
    console: z.string().optional(),
    because: z.string().min(20).optional(),
  })
  .superRefine((end, context) => {
    if (end.error !== undefined && end.findings.length > 0) {
      context.addIssue('an end is either findings or an error');
    }
  });
export type End = z.output<typeof endSchema>;

/** One end; or several, where more than one is right: each of them says why. */
const expectSchema = z
  .union([endSchema, z.array(endSchema).min(2)])
  .transform((ends) => (Array.isArray(ends) ? ends : [ends]))
  .refine((ends) => ends.length === 1 || ends.every((end) => end.because !== undefined), {
    error: 'every one of several ends needs a "because"',
  });

/** Text too long to write out: `head`, then `repeat` so many times with `$i` counted up, then `tail`. */
const textSchema = z.union([
  z.string(),
  z
    .strictObject({
      head: z.string().default(''),
      repeat: z.string(),
      times: z.int().min(2).max(200_000),
      tail: z.string().default(''),
    })
    .transform(({ head, repeat, times, tail }) => {
      const parts = Array.from({ length: times }, (_, index) => repeat.replaceAll('$i', String(index)));
      return head + parts.join('') + tail;
    }),
]);

const captureSchema = z.strictObject({
  text: textSchema,
  id: z.string().default('calls-1'),
  match: z.enum(['anchor', 'broad']).default('anchor'),
  language: z.string().default('typescript'),
});

const differenceSchema = z.union([
  z.strictObject({ expect: expectSchema, because: z.string().min(20) }),
  z.strictObject({ skip: z.literal(true), because: z.string().min(20) }),
]);
export type Difference = z.output<typeof differenceSchema>;

const headerSchema = z.strictObject({
  tries: z.string().min(10),
  expect: expectSchema,
  evidence: z.string().min(10),
  watch: z.array(z.enum(WATCHES)).min(1),
  /** Only where a back end differs, each with a reason. The narrowest name wins. */
  on: z.partialRecord(z.enum(CORPUS_BACK_ENDS), differenceSchema).default({}),
  /** Never yields, or eats memory: not for a back end that has nobody to stop it. */
  runaway: z.boolean().default(false),
  /** The same verification so often, one after the other. */
  runs: z.int().min(1).max(4).default(1),
  caseTimeoutMs: z.int().min(1_000).max(10_000).optional(),
  captures: z.array(captureSchema).min(1).optional(),
  /** Laid beside the case's own files. */
  files: z.record(z.string(), textSchema).default({}),
});
type Header = z.output<typeof headerSchema>;

export interface Attack extends Header {
  readonly name: string;
  readonly category: Category;
  readonly source: string;
}

const HEADER = /^\uFEFF?\/\*---\n([\s\S]*?)\n---\*\//;

export function parseAttack(path: string, source: string): Attack {
  const category = CATEGORIES.find((each) => each === basename(dirname(path)));
  if (category === undefined) throw new Error(`${path}: its folder is none of ${CATEGORIES.join(', ')}`);
  const text = HEADER.exec(source)?.[1];
  if (text === undefined) throw new Error(`${path}: does not start with a /*--- header ---*/`);
  const header = headerSchema.safeParse(parse(text));
  if (!header.success) throw new Error(`${path}: ${z.prettifyError(header.error)}`);
  return { ...header.data, name: basename(path, '.ts'), category, source };
}

/** In the order of {@link CATEGORIES}, then by name. */
export function loadAttacks(dir = CORPUS_DIR): Attack[] {
  return CATEGORIES.flatMap((category) =>
    readdirSync(join(dir, category))
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .map((name) => join(dir, category, name))
      .map((path) => parseAttack(path, readFileSync(path, 'utf8'))),
  );
}
