/** Published rules: list, read with every file, the bundle as the bytes that were signed, and its proof. */
import { Fault } from '../errors.ts';
import { BUNDLE_FILE, PROOF_FILE, ruleDirectory } from '../rules/layout.ts';
import { rulePage, signedRuleFiles } from '../schema/api.ts';
import { type RuleCase, requestSchema } from '../schema/request.ts';
import { type Rule, ruleSchema } from '../schema/rule.ts';
import { BUNDLE_MEDIA_TYPE, bundleSchema, statementSchema } from '../schema/statement.ts';
import { keys } from '../store/objects.ts';
import type { RuleRow } from '../store/rules.ts';
import type { Store } from '../store/store.ts';
import { rulesQuerySchema, toRuleFilter } from './filters.ts';
import { nextCursor } from './page.ts';
import { pathParam, type Route, route, TEXT_TYPE } from './route.ts';
import { toSignedRule } from './views.ts';

export const ruleRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/rules',
    summary: 'List signed rules, newest first',
    scope: 'read',
    query: rulesQuerySchema,
    answers: { 200: { description: 'A page.', schema: rulePage } },
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      const rows = await store.rules.list(orgId, toRuleFilter(query));
      return context.json({ rules: rows.map(toSignedRule), nextCursor: nextCursor(rows, query.limit) });
    },
  }),
  route({
    method: 'get',
    path: '/v1/rules/:id',
    summary: 'A signed rule with every file of its directory',
    scope: 'read',
    answers: { 200: { description: 'The rule.', schema: signedRuleFiles } },
    errors: ['NOT_FOUND', 'STORE_MISSING'],
    handle: async (context) => {
      const { store, orgId } = context.var;
      const row = await findRow(store, orgId, pathParam(context, 'id'));
      return context.json({ ...toSignedRule(row), files: await filesOf(store, row) });
    },
  }),
  route({
    method: 'get',
    path: '/v1/rules/:id/bundle',
    summary: 'The bundle of a rule, as the bytes that were signed',
    scope: 'read',
    answers: { 200: { description: 'The bundle.', type: BUNDLE_MEDIA_TYPE, schema: bundleSchema } },
    errors: ['NOT_FOUND', 'STORE_MISSING'],
    handle: async (context) => {
      const { store, orgId } = context.var;
      const row = await findRow(store, orgId, pathParam(context, 'id'));
      const bundle = await readKey(store, keys.bundle(row.org_id, row.generation_id));
      return context.body(bundle, 200, { 'content-type': BUNDLE_MEDIA_TYPE });
    },
  }),
  route({
    method: 'get',
    path: '/v1/rules/:id/proof',
    summary: 'The proof that the bundle is in the log',
    scope: 'read',
    answers: { 200: { description: 'The proof.', type: TEXT_TYPE } },
    errors: ['NOT_FOUND', 'NO_PROOF'],
    handle: async (context) => {
      const { store, orgId } = context.var;
      const row = await findRow(store, orgId, pathParam(context, 'id'));
      const proof = await proofOf(store, row);
      if (proof === null) throw new Fault('NO_PROOF', 'this rule was published without a log');
      return context.text(proof);
    },
  }),
];

/** The rule directory as it was signed, with the bundle, and the proof where there is one. */
async function filesOf(store: Store, row: RuleRow): Promise<Record<string, string>> {
  const { rule, cases } = await signedParts(store, row);
  const bundle = await readKey(store, keys.bundle(row.org_id, row.generation_id));
  const proof = await proofOf(store, row);
  return {
    ...ruleDirectory(rule, cases),
    [BUNDLE_FILE]: bundle,
    ...(proof === null ? {} : { [PROOF_FILE]: proof }),
  };
}

/** The proof that the bundle is in the log; `null` where none is kept. */
export function proofOf(store: Store, row: RuleRow): Promise<string | null> {
  return store.objects.get(keys.proof(row.org_id, row.generation_id));
}

/** The rule and the cases that its directory is made of. */
export async function signedParts(
  store: Store,
  row: RuleRow,
): Promise<{ readonly rule: Rule; readonly cases: readonly RuleCase[] }> {
  const generation = row.generation_id;
  const statement = statementSchema.parse(
    JSON.parse(await readKey(store, keys.statement(row.org_id, generation))),
  );
  const { attempts } = statement.predicate.generation;
  const rule = ruleSchema.parse(
    JSON.parse(await readKey(store, keys.rule(row.org_id, generation, attempts))),
  );
  const request = requestSchema.parse(JSON.parse(await readKey(store, keys.request(row.org_id, generation))));
  return { rule, cases: request.cases };
}

export async function readKey(store: Store, key: string): Promise<string> {
  const text = await store.objects.get(key);
  if (text === null) throw new Fault('STORE_MISSING', 'a stored object of this rule is missing');
  return text;
}

export async function findRow(store: Store, orgId: string, id: string): Promise<RuleRow> {
  const row = await store.rules.find(orgId, id);
  if (row === null) throw new Fault('NOT_FOUND', `there is no rule ${JSON.stringify(id.slice(0, 100))}`);
  return row;
}
