/**
 * `POST /cli/api/rule`: a prompt and snippets become a generation. The client sends no key of its own, so the request
 * is one: the same for the same repository gives the same generation while that is alive or signed, and a client that
 * asks again because it could not write a rule pays for none.
 */
import type { Context } from 'hono';
import { Fault } from '../../errors.ts';
import { sha256Hex } from '../../rules/digest.ts';
import { requestOfSnippets } from '../../rules/snippet-cases.ts';
import { MAX_REQUEST_BYTES, type RuleRequest } from '../../schema/request.ts';
import { submitAnswer, submitSchema } from '../../schema/taskless.ts';
import type { AppEnv } from '../context.ts';
import { useKey } from '../idempotency.ts';
import { type Route, route } from '../route.ts';
import { refuseUnsupported, startInstance, writeDraft } from '../start-generation.ts';
import { nameRequest } from './find-request.ts';
import { type Covered, coveredRepository } from './organisation.ts';
import { errorAnswers, invalid, tasklessFault } from './refusal.ts';

/** Sent by every client that can run runtime rules. */
export const VERSION_HEADER = 'x-taskless-cli-version';
const MOST_TRIES = 5;

export const submitRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/cli/api/rule',
    summary: 'Taskless: start a generation',
    scope: 'generate',
    headers: { [VERSION_HEADER]: 'Without it a client can run no runtime rule, and gets none.' },
    body: { schema: submitSchema, maxBytes: MAX_REQUEST_BYTES },
    answers: {
      200: { description: 'It is made, or was before.', schema: submitAnswer },
      ...errorAnswers({ scope: 'generate', body: true }, 'organization_not_found'),
    },
    onFault: tasklessFault,
    handle: async (context, { body }) => {
      const { config, orgId, store } = context.var;
      const covered = await coveredRepository(store, orgId, body.orgId, body.repositoryUrl);
      const engine = context.req.header(VERSION_HEADER) === undefined ? 'sg' : 'auto';
      const request = requestOfSnippets(body, engine);
      if (!request.ok) throw invalid(request.problems.map(({ message }) => message));
      refuseUnsupported(request.value, config.model.id, config);
      return context.json({ ruleId: await start(context, request.value, covered), status: 'accepted' });
    },
  }),
];

/** @returns the UUID the client polls */
async function start(
  context: Context<AppEnv>,
  request: RuleRequest,
  { owner, repository }: Covered,
): Promise<string> {
  const { config, orgId, store } = context.var;
  const asked = { ownerId: owner.id, repository };
  const operation = `taskless ${repository}\n${JSON.stringify(request)}`;
  const key = `taskless:${await sha256Hex(operation)}`;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const use = await useKey(store, orgId, key, operation);
    if (use.existing !== null) return (await nameRequest(store, orgId, use.existing, asked)).id;
    const draft = { orgId, request, model: config.model.id, retryOf: use.dead };
    const row = await writeDraft(store, draft);
    // Before the generation: one that runs always has the repository it was asked for.
    const { id } = await nameRequest(store, orgId, row.id, asked);
    if (!(await use.insert(row))) continue;
    await startInstance(config, row);
    return id;
  }
  throw new Fault('WORKFLOW_UNAVAILABLE', 'too many requests for the same rule at once; try again');
}
