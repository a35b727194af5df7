/**
 * `GET /cli/api/rule/:id`: how far a generation is, and its rule. Only statuses that the client knows: any other
 * would make it ask for ever. A runtime rule cannot be handed to it here (it would write YAML into `check.ts`), and of
 * all ends `failed` is the only one whose text it shows, so that one says where the rule is and how to get it.
 */
import { readYamlMap } from '../../rules/read-yaml.ts';
import { snippetsOf } from '../../rules/sg-test-file.ts';
import { MAX_CAPTURE_BYTES } from '../../schema/rule.ts';
import { type RuleStatus, ruleStatus } from '../../schema/taskless.ts';
import type { GenerationRow } from '../../store/generations.ts';
import { keys } from '../../store/objects.ts';
import type { RuleRow } from '../../store/rules.ts';
import type { Store } from '../../store/store.ts';
import { pathParam, type Route, route } from '../route.ts';
import { proofOf, readKey, signedParts } from '../rules.ts';
import { findRequest, type Known } from './find-request.ts';
import { errorAnswers, tasklessFault } from './refusal.ts';

/** Of the client's sidecar, `.taskless/rule-metadata/<rule>.yml`. */
const META_SCHEMA_VERSION = '1';

export const statusRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/cli/api/rule/:id',
    summary: 'Taskless: how far a generation is, and its rule',
    scope: 'read',
    answers: {
      200: { description: 'Its status.', schema: ruleStatus },
      ...errorAnswers({ scope: 'read', body: false }, 'request_not_found'),
    },
    onFault: tasklessFault,
    handle: async (context) => {
      const { orgId, store } = context.var;
      const known = await findRequest(store, orgId, pathParam(context, 'id'));
      return context.json(await statusOf(store, known));
    },
  }),
];

async function statusOf(store: Store, { generation, request }: Known): Promise<RuleStatus> {
  const { id, org_id, rule_id, engine } = generation;
  const ruleId = request.id;
  const rule = rule_id === null ? null : await store.rules.find(org_id, rule_id);
  if (rule === null) {
    return { ruleId, ...withoutRule(generation), assay: { generation: id, rule: null, engine } };
  }
  const proof = await proofOf(store, rule);
  const assay = {
    generation: id,
    rule: rule.id,
    engine: rule.engine,
    bundleSha256: rule.bundle_sha256,
    bundle: await readKey(store, keys.bundle(org_id, id)),
    ...(proof === null ? {} : { proof }),
  };
  if (rule.engine === 'runtime') return { ruleId, status: 'failed', error: installText(rule, ruleId), assay };
  return { ruleId, status: 'generated', ...(await delivered(store, rule, ruleId)), assay };
}

function withoutRule({
  status,
  engine,
  reason_code,
  reason_message,
}: GenerationRow): Pick<RuleStatus, 'status' | 'error'> {
  switch (status) {
    case 'queued':
      return { status: 'accepted' };
    case 'running':
      return { status: engine === null ? 'classifying' : 'building' };
    case 'cancelled':
      return { status: 'failed', error: 'it was cancelled' };
    default:
      return {
        status: 'failed',
        error: `${reason_message ?? 'no reason is known'} (${reason_code ?? status})`,
      };
  }
}

function installText({ name }: RuleRow, ruleId: string): string {
  return (
    `nothing but the delivery. The runtime rule "${name}" is verified and signed, and this client cannot write rules ` +
    `with code. Install it with: assay install ${ruleId} --dir <repository>. Asking again gives the same rule.`
  );
}

/** What the client writes: the rule, its cases as snippets, and the sidecar that improving it needs. */
async function delivered(
  store: Store,
  row: RuleRow,
  ticketId: string,
): Promise<Pick<RuleStatus, 'rules' | 'meta'>> {
  const { rule, cases } = await signedParts(store, row);
  const read = readYamlMap(rule.files[`${rule.name}.yml`] ?? '', MAX_CAPTURE_BYTES);
  if ('problem' in read) throw new TypeError(`rule ${row.id} is signed and cannot be read: ${read.message}`);
  const { valid, invalid } = snippetsOf(rule, cases);
  const tests =
    valid.length + invalid.length > 0 ? { tests: { valid: [...valid], invalid: [...invalid] } } : {};
  const meta = { ticketId, generatedAt: row.published_at, schemaVersion: META_SCHEMA_VERSION };
  return {
    rules: [{ id: rule.name, engine: 'sg', content: read.map, ...tests }],
    meta: { [rule.name]: meta },
  };
}
