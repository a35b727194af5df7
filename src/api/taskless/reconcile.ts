/**
 * `POST /cli/api/reconcile`: which of the checks that a repository holds may run there. Those of rules that this
 * organisation has had signed, whose signature counts now by the published trust documents, and that were asked for
 * with this repository or with none. A check is known by the hash of its content; nothing a client says about its own
 * files makes one run.
 */
import { type BlessedRule, reconcile } from '../../rules/reconcile.ts';
import { type Statement, statementSchema } from '../../schema/statement.ts';
import { reconcileAnswer, reconcileSchema } from '../../schema/taskless.ts';
import { publishedSigners, startsAt } from '../../signing/published.ts';
import { onlySigner, type Signers } from '../../signing/signers.ts';
import { keys } from '../../store/objects.ts';
import type { DeliveredRow } from '../../store/rules.ts';
import type { Store } from '../../store/store.ts';
import type { AppEnv } from '../context.ts';
import { type Route, route } from '../route.ts';
import { readKey } from '../rules.ts';
import { coveredRepository } from './organisation.ts';
import { errorAnswers, tasklessFault } from './refusal.ts';

const MAX_BODY_BYTES = 8 * 1024 * 1024;

export const reconcileRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/cli/api/reconcile',
    summary: 'Taskless: which checks of a repository may run',
    scope: 'read',
    body: { schema: reconcileSchema, maxBytes: MAX_BODY_BYTES },
    answers: {
      200: { description: 'What may run, and what is wrong with the rest.', schema: reconcileAnswer },
      ...errorAnswers({ scope: 'read', body: true }, 'organization_not_found'),
    },
    onFault: tasklessFault,
    handle: async (context, { body }) => {
      const { orgId, store } = context.var;
      const { repository } = await coveredRepository(store, orgId, body.orgId, body.repositoryUrl);
      const delivered = await store.rules.delivered(orgId, repository);
      const signers = await signersNow(context.var);
      const blessed: BlessedRule[] = [];
      for (const row of delivered) {
        if (!(await counts(store, orgId, row, signers))) continue;
        const signature = row.check_envelope ?? (await readEnvelope(store, orgId, row));
        blessed.push({ ruleId: row.request_id ?? row.id, name: row.name, signature });
      }
      return context.json(reconcile(blessed, body.files));
    },
  }),
];

/** As when it is signed: what is published; where the service was given no trust root, its own key. */
async function signersNow({ config, store }: AppEnv['Variables']): Promise<Signers> {
  const anchor = config.trustRootSha256;
  const stored = (await store.trust.get())?.documents ?? null;
  if (stored !== null && (anchor === null || (await startsAt(stored, anchor)))) {
    const published = await publishedSigners(stored);
    return published.ok ? published.signers : NOBODY;
  }
  return anchor === null ? onlySigner(config.signingKey.publicKey) : NOBODY;
}

const NOBODY: Signers = { byKeyId: new Map(), revokedBundles: new Map(), now: null };

async function counts(
  store: Store,
  orgId: string,
  row: DeliveredRow,
  { byKeyId, revokedBundles }: Signers,
): Promise<boolean> {
  const signer = byKeyId.get(row.key_id);
  if (signer === undefined || signer.revoked !== null || revokedBundles.has(row.bundle_sha256)) return false;
  const { notBefore, notAfter } = signer;
  const at = row.published_at;
  if (notBefore !== null && at < notBefore) return false;
  if (notAfter === null || at <= notAfter) return true;
  // Published late: a rule that was signed in time counts, as for everybody who verifies it.
  return (await predicateOf(store, orgId, row)).signedAt <= notAfter;
}

async function predicateOf(store: Store, orgId: string, row: DeliveredRow): Promise<Statement['predicate']> {
  const text = await readKey(store, keys.statement(orgId, row.generation_id));
  return statementSchema.parse(JSON.parse(text)).predicate;
}

/** Of a rule from before hashes were kept beside it: from its statement, once. */
async function readEnvelope(store: Store, orgId: string, row: DeliveredRow): Promise<string> {
  const { rule } = await predicateOf(store, orgId, row);
  const envelope = rule.engine === 'runtime' ? rule.checkEnvelope : '';
  await store.rules.noteEnvelope(orgId, row.id, envelope);
  return envelope;
}
