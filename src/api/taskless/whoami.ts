/** `GET /cli/api/whoami`: for which owners of repositories this token speaks. */
import { whoamiAnswer } from '../../schema/taskless.ts';
import { ownerUrl } from '../owners.ts';
import { type Route, route } from '../route.ts';
import { errorAnswers, tasklessFault } from './refusal.ts';

export const whoamiRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/cli/api/whoami',
    summary: 'Taskless: who this token is, and the owners it covers',
    scope: 'read',
    answers: {
      200: { description: 'It is this one.', schema: whoamiAnswer },
      ...errorAnswers({ scope: 'read', body: false }),
    },
    onFault: tasklessFault,
    handle: async (context) => {
      const { caller, orgId, store } = context.var;
      const owners = await store.owners.list(orgId);
      return context.json({
        user: caller.tokenName ?? orgId,
        email: '',
        orgs: owners.map(({ id, name, owner, github_id }) => ({
          id,
          name,
          source: 'github',
          url: ownerUrl(owner),
          ...(github_id === null ? {} : { orgId: github_id, githubOrgId: github_id }),
        })),
      });
    },
  }),
];
