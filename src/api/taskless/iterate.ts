/**
 * `POST /cli/api/rule/:id/iterate`: a person's advice on a rule becomes a retry that goes on from its last answer and
 * keeps its name, so that the client's files are replaced. Signed rules too: the earlier one stays signed.
 */
import type { Context } from 'hono';
import { Fault } from '../../errors.ts';
import { sha256Hex } from '../../rules/digest.ts';
import { hasEnded } from '../../schema/api.ts';
import { type Iterate, iterateAnswer, iterateSchema } from '../../schema/taskless.ts';
import { askOne } from '../../store/ask.ts';
import type { GenerationRow } from '../../store/generations.ts';
import { keys } from '../../store/objects.ts';
import type { Store } from '../../store/store.ts';
import type { AppEnv } from '../context.ts';
import { aliveOf } from '../idempotency.ts';
import { draftOf } from '../retry.ts';
import { pathParam, type Route, route } from '../route.ts';
import { type Draft, startInstance, writeDraft } from '../start-generation.ts';
import { findRequest, type Known, nameRequest } from './find-request.ts';
import { namedOwner } from './organisation.ts';
import { errorAnswers, invalid, Refusal, tasklessFault } from './refusal.ts';

const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** As for any advice, see `guidance` in the schema of requests. */
const MAX_GUIDANCE_CHARS = 4_000;
const MOST_TRIES = 5;

export const iterateRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/cli/api/rule/:id/iterate',
    summary: 'Taskless: improve a rule with advice',
    scope: 'generate',
    body: { schema: iterateSchema, maxBytes: MAX_BODY_BYTES },
    answers: {
      200: { description: 'The request to poll.', schema: iterateAnswer },
      ...errorAnswers({ scope: 'generate', body: true }, 'request_not_found, organization_not_found'),
    },
    onFault: tasklessFault,
    handle: async (context, { body }) => {
      const { orgId, store } = context.var;
      const owner = await namedOwner(store, orgId, body.orgId);
      const known = await findRequest(store, orgId, pathParam(context, 'id'));
      const asked = known.request.owner_id;
      if (owner !== null && asked !== null && asked !== owner.id) throw new Refusal(404, 'request_not_found');
      if (!hasEnded(known.generation.status)) throw invalid(['the rule is still being made']);
      return context.json({ requestId: await improve(context, known, body), status: 'accepted' });
    },
  }),
];

/** @returns the UUID the client polls */
async function improve(context: Context<AppEnv>, known: Known, body: Iterate): Promise<string> {
  const { config, orgId, store } = context.var;
  const { generation: original, request } = known;
  const asked = { ownerId: request.owner_id, repository: request.repository };
  const guidance = withReferences(body);
  const digest = await sha256Hex(`taskless iterate ${original.id}\n${guidance}`);
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const alive = aliveOf(await askOne(store.generations.lineOf(orgId, original.id)));
    if (alive !== null) {
      const { id } = await nameRequest(store, orgId, alive.id, asked);
      if (alive.retry_sha256 === digest) return id;
      throw invalid([`another improvement of this rule is being made: ${id}`]);
    }
    const fromAttempt = await lastAnswered(store, original);
    const retry = { guidance, ...(fromAttempt === null ? {} : { fromAttempt }) };
    const draft = keepingName(await draftOf({ original, retry, digest }, config, store), original);
    const row = await writeDraft(store, draft);
    const { id } = await nameRequest(store, orgId, row.id, asked);
    if (!(await store.generations.insert(row))) continue;
    await startInstance(config, row);
    return id;
  }
  throw new Fault('WORKFLOW_UNAVAILABLE', 'too many requests for the same rule at once; try again');
}

function keepingName(draft: Draft, { name }: GenerationRow): Draft {
  if (name === null || draft.request.name !== undefined) return draft;
  return { ...draft, request: { ...draft.request, name } };
}

/** The attempt whose answer is gone on from; `null` when there is none. */
async function lastAnswered(store: Store, { id, org_id, attempt }: GenerationRow): Promise<number | null> {
  if (attempt < 1) return null;
  return (await store.objects.get(keys.reply(org_id, id, attempt))) === null ? null : attempt;
}

/** Files go along as far as there is room, in the order they were sent; how many did not is said. */
function withReferences({ guidance, references = [] }: Iterate): string {
  const room = MAX_GUIDANCE_CHARS - '\n\n(000 more files were sent and left out.)'.length;
  let text = guidance;
  let left = 0;
  for (const { filename, content } of references) {
    const part = `\n\nFile ${JSON.stringify(filename)}:\n${content}`;
    if (left === 0 && text.length + part.length <= room) text += part;
    else left += 1;
  }
  const rest = left === 0 ? '' : `\n\n(${left} more files were sent and left out.)`;
  return text.length + rest.length <= MAX_GUIDANCE_CHARS ? text + rest : text;
}
