/**
 * Deletes a generation, or everything of the organisation. A generation has to have ended; a signed one goes only
 * with its rule, and only when that is said: half of a rule's evidence is none. What a signature is worth to those
 * who have the rule does not change; that is what revocation is for.
 */
import { z } from 'zod';
import { Fault } from '../errors.ts';
import { hasEnded } from '../schema/api.ts';
import { type Deletion, deletionSchema, organisationSchema } from '../schema/deletion.ts';
import type { Deletion as DeletionRow } from '../store/deletions.ts';
import type { Store } from '../store/store.ts';
import { findGeneration } from './find-generation.ts';
import { pathParam, type Route, route } from './route.ts';

const withRule = z.strictObject({
  rule: z.literal('true').optional().describe('also when it is signed, and then its rule too'),
});
const confirmed = z.strictObject({
  confirm: z.string().max(100).describe('id of the organisation, so that none is deleted by mistake'),
});

export const deleteRoutes: readonly Route[] = [
  route({
    method: 'delete',
    path: '/v1/generations/:id',
    summary: 'Delete a generation that has ended, with everything it stored',
    scope: 'admin',
    query: withRule,
    answers: {
      200: { description: 'It is deleted, also when it was already.', schema: deletionSchema },
    },
    errors: ['NOT_FOUND', 'NOT_ENDED', 'HAS_RULE'],
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      const id = pathParam(context, 'id');
      const now = new Date();
      if (!(await store.deletions.mark(orgId, id, query.rule === 'true', now.toISOString()))) {
        await refuseUnlessMarked(store, orgId, id);
      }
      const marked = await store.deletions.find(orgId, id);
      if (marked === null) throw new Fault('NOT_FOUND', 'there is no such generation any more');
      // The mark is what counts: what fails from here on is done by cron.
      if (marked.deleted_at === null) await store.deletions.sweep(marked, now);
      return context.json(toDeletion((await store.deletions.find(orgId, id)) ?? marked));
    },
  }),
  route({
    method: 'get',
    path: '/v1/organisation',
    summary: 'The organisation of the token, and whether it is being deleted',
    scope: 'admin',
    answers: { 200: { description: 'The organisation.', schema: organisationSchema } },
    handle: async (context) => {
      const { store, orgId } = context.var;
      return context.json(await organisationOf(store, orgId));
    },
  }),
  route({
    method: 'delete',
    path: '/v1/organisation',
    summary: 'Delete everything of the organisation: generations, rules, tokens; for good',
    scope: 'admin',
    query: confirmed,
    answers: { 202: { description: 'It begins. Made tokens end at once.', schema: organisationSchema } },
    handle: async (context, { query }) => {
      const { store, orgId } = context.var;
      if (query.confirm !== orgId) {
        throw new Fault('INVALID_QUERY', 'confirm has to be the id of the organisation of this token');
      }
      await store.orgDeletions.request(orgId, new Date().toISOString());
      return context.json(await organisationOf(store, orgId), 202);
    },
  }),
];

/** @throws Fault NOT_FOUND | NOT_ENDED | HAS_RULE */
async function refuseUnlessMarked(store: Store, orgId: string, id: string): Promise<void> {
  if ((await store.deletions.find(orgId, id)) !== null) return;
  const { status } = await findGeneration(store, orgId, id);
  if (!hasEnded(status)) throw new Fault('NOT_ENDED', `the generation is ${status}; cancel it first`);
  throw new Fault('HAS_RULE', 'it is signed; say rule=true to delete its rule too');
}

async function organisationOf(store: Store, orgId: string): Promise<z.output<typeof organisationSchema>> {
  const rows = await store.orgDeletions.list(orgId);
  return {
    id: orgId,
    deletions: rows.map((row) => ({ requestedAt: row.requested_at, doneAt: row.done_at })),
  };
}

function toDeletion(row: DeletionRow): Deletion {
  return { id: row.id, requestedAt: row.deleting_at, doneAt: row.deleted_at };
}
