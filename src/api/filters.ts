/** The query parameters that lists are narrowed by, as the store takes them. */
import { z } from 'zod';
import { GENERATION_STATUSES } from '../schema/api.ts';
import type { GenerationFilter } from '../store/generation-filter.ts';
import type { RuleFilter } from '../store/rule-filter.ts';
import { firstGenerationIdAt } from './ids.ts';
import { pageQuery } from './page.ts';

const MAX_TEXT_CHARS = 200;

const exact = z.string().min(1).max(MAX_TEXT_CHARS).optional();
const moment = z.iso.datetime({ offset: true }).optional();
const statuses = z
  .string()
  .max(200)
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(GENERATION_STATUSES)))
  .optional();

export const generationsQuerySchema = z.strictObject({
  status: statuses.describe(`one or several, separated by commas: ${GENERATION_STATUSES.join(', ')}`),
  failing: z
    .literal('true')
    .optional()
    .describe('alive, and an attempt was rejected or inconclusive, or a step is being tried again'),
  rule: exact.describe('name of the rule'),
  batch: exact.describe('id of a batch'),
  retryOf: exact.describe('id of the generation it is a retry of'),
  model: exact.describe('the model asked'),
  createdAfter: moment.describe('made then or later'),
  createdBefore: moment.describe('made earlier'),
  text: z
    .string()
    .trim()
    .min(1)
    .max(MAX_TEXT_CHARS)
    .optional()
    .describe('found in the prompt or the name, letter case ignored'),
  ...pageQuery('gen'),
});

export const rulesQuerySchema = z.strictObject({
  name: exact.describe('name of the rule'),
  key: exact.describe('id of the key it is signed with'),
  model: exact.describe('the model that wrote it'),
  engineVersion: exact.describe('version of ast-grep it was verified with'),
  signedAfter: moment.describe('published then or later'),
  signedBefore: moment.describe('published earlier'),
  ...pageQuery('rule'),
});

export function toGenerationFilter(query: z.output<typeof generationsQuerySchema>): GenerationFilter {
  return {
    statuses: query.status,
    failing: query.failing === 'true',
    name: query.rule,
    batchId: query.batch,
    retryOf: query.retryOf,
    model: query.model,
    fromId: idAt(query.createdAfter),
    toId: idAt(query.createdBefore),
    text: query.text,
    beforeId: query.cursor,
    limit: query.limit,
  };
}

export function toRuleFilter(query: z.output<typeof rulesQuerySchema>): RuleFilter {
  return {
    name: query.name,
    keyId: query.key,
    model: query.model,
    engineVersion: query.engineVersion,
    signedFrom: utc(query.signedAfter),
    signedBefore: utc(query.signedBefore),
    beforeId: query.cursor,
    limit: query.limit,
  };
}

function idAt(moment: string | undefined): string | undefined {
  return moment === undefined ? undefined : firstGenerationIdAt(Math.max(0, Date.parse(moment)));
}

function utc(moment: string | undefined): string | undefined {
  return moment === undefined ? undefined : new Date(moment).toISOString();
}
