/** Published rules: list, read with every file, the bundle as the bytes that were signed, and its proof. */
import { Hono } from 'hono';
import { z } from 'zod';
import { Fault } from '../errors.ts';
import { BUNDLE_FILE, PROOF_FILE, ruleDirectory } from '../rules/layout.ts';
import { requestSchema } from '../schema/request.ts';
import { ruleSchema } from '../schema/rule.ts';
import { statementSchema } from '../schema/statement.ts';
import { keys } from '../store/objects.ts';
import type { RuleRow } from '../store/rules.ts';
import type { Store } from '../store/store.ts';
import type { AppEnv } from './context.ts';
import { parseQuery } from './query.ts';
import { toSignedRule } from './views.ts';

const listQuery = z.strictObject({
  cursor: z
    .string()
    .regex(/^rule-[0-9a-z]{26}$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

export const rules = new Hono<AppEnv>()
  .get('/', async (context) => {
    const query = parseQuery(context, listQuery);
    const rows = await context.get('store').rules.list(context.get('orgId'), query.cursor, query.limit);
    const nextCursor = rows.length === query.limit ? (rows.at(-1)?.id ?? null) : null;
    return context.json({ rules: rows.map(toSignedRule), nextCursor });
  })
  .get('/:id', async (context) => {
    const store = context.get('store');
    const row = await findRow(store, context.get('orgId'), context.req.param('id'));
    return context.json({ ...toSignedRule(row), files: await filesOf(store, row) });
  })
  .get('/:id/bundle', async (context) => {
    const store = context.get('store');
    const row = await findRow(store, context.get('orgId'), context.req.param('id'));
    const bundle = await readKey(store, keys.bundle(row.org_id, row.generation_id));
    return context.body(bundle, 200, { 'content-type': 'application/vnd.dev.sigstore.bundle.v0.3+json' });
  })
  .get('/:id/proof', async (context) => {
    const store = context.get('store');
    const row = await findRow(store, context.get('orgId'), context.req.param('id'));
    const proof = await store.objects.get(keys.proof(row.org_id, row.generation_id));
    if (proof === null) throw new Fault('NO_PROOF', 'this rule was published without a log');
    return context.text(proof);
  });

/** The rule directory as it was signed, with the bundle, and the proof where there is one. */
async function filesOf(store: Store, row: RuleRow): Promise<Record<string, string>> {
  const generation = row.generation_id;
  const statement = statementSchema.parse(
    JSON.parse(await readKey(store, keys.statement(row.org_id, generation))),
  );
  const { attempts } = statement.predicate.generation;
  const rule = ruleSchema.parse(
    JSON.parse(await readKey(store, keys.rule(row.org_id, generation, attempts))),
  );
  const request = requestSchema.parse(JSON.parse(await readKey(store, keys.request(row.org_id, generation))));
  const bundle = await readKey(store, keys.bundle(row.org_id, generation));
  const proof = await store.objects.get(keys.proof(row.org_id, generation));
  return {
    ...ruleDirectory(rule, request.cases),
    [BUNDLE_FILE]: bundle,
    ...(proof === null ? {} : { [PROOF_FILE]: proof }),
  };
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
