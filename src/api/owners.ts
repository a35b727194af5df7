/**
 * Owners of repositories that an organisation speaks for, for clients that know repositories and not organisations. It
 * is the organisation's own word: nobody gets anything of another organisation by naming its owner.
 */
import { Fault } from '../errors.ts';
import { newOwnerSchema, type Owner, ownerList, ownerSchema } from '../schema/owners.ts';
import type { OwnerRow } from '../store/owners.ts';
import { pathParam, type Route, route } from './route.ts';

const MAX_BODY_BYTES = 128 * 1024;

export const ownerRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/owners',
    summary: 'Cover the repositories of an owner; again, to change which',
    scope: 'admin',
    body: { schema: newOwnerSchema, maxBytes: MAX_BODY_BYTES },
    answers: { 200: { description: 'It is covered.', schema: ownerSchema } },
    handle: async (context, { body }) => {
      const { orgId, store } = context.var;
      const names = body.repositories?.map((name) => name.toLowerCase());
      const row = await store.owners.put({
        id: crypto.randomUUID(),
        org_id: orgId,
        owner: body.owner.toLowerCase(),
        name: body.name ?? body.owner,
        github_id: body.githubId ?? null,
        repositories: names === undefined ? null : JSON.stringify([...new Set(names)].sort()),
        created_at: new Date().toISOString(),
      });
      return context.json(toOwner(row));
    },
  }),
  route({
    method: 'get',
    path: '/v1/owners',
    summary: 'List the owners whose repositories are covered',
    scope: 'read',
    answers: { 200: { description: 'All of them, by name.', schema: ownerList } },
    handle: async (context) => {
      const rows = await context.get('store').owners.list(context.get('orgId'));
      return context.json({ owners: rows.map(toOwner) });
    },
  }),
  route({
    method: 'delete',
    path: '/v1/owners/:id',
    summary: 'Cover an owner no more',
    scope: 'admin',
    answers: { 200: { description: 'It was removed.', schema: ownerSchema } },
    errors: ['NOT_FOUND'],
    handle: async (context) => {
      const id = pathParam(context, 'id');
      const row = await context.get('store').owners.remove(context.get('orgId'), id);
      if (row === null) throw new Fault('NOT_FOUND', `there is no owner ${JSON.stringify(id.slice(0, 100))}`);
      return context.json(toOwner(row));
    },
  }),
];

/** As clients compare it, to the letter: lower case, nothing after the owner. */
export function ownerUrl(owner: string): string {
  return `https://github.com/${owner}`;
}

function toOwner(row: OwnerRow): Owner {
  const { id, owner, name } = row;
  return {
    id,
    owner,
    name,
    url: ownerUrl(owner),
    githubId: row.github_id,
    repositories: row.repositories === null ? null : (JSON.parse(row.repositories) as string[]),
    createdAt: row.created_at,
  };
}
