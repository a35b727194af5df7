/**
 * One model call of one attempt. The answer is stored write-once before anything reads it, so a step
 * that runs again finds it and pays nothing; the call itself is reserved in the ledger first.
 */
import { z } from 'zod';
import { Fault } from '../errors.ts';
import type { Model, Turn } from '../models/model.ts';
import { TASKS, type TaskName } from '../models/tasks.ts';
import { sha256Hex } from '../rules/digest.ts';
import type { Engine } from '../schema/request.ts';
import { keys, type ObjectRef, type StoredObject } from '../store/objects.ts';
import type { Job, StepDeps } from './deps.ts';
import { showProgress } from './progress.ts';

/** What is kept of an answer in R2: everything, exact. */
export const storedReply = z.object({
  call: z.int(),
  /** The prompt this call was made with; a later deploy may bring another. */
  promptVersion: z.string(),
  promptSha256: z.string(),
  text: z.string(),
  stopReason: z.string(),
  model: z.string(),
  requestId: z.string().nullable(),
  usage: z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    cacheWriteTokens: z.number(),
    cacheReadTokens: z.number(),
  }),
  costUsd: z.number().nullable(),
  durationMs: z.number(),
  /** The provider's batch this was an answer in; absent: asked alone. */
  providerBatchId: z.string().optional(),
});
export type StoredReply = z.infer<typeof storedReply>;

export interface Asked {
  readonly reply: ObjectRef;
  readonly stopReason: string;
  readonly model: string;
  readonly costUsd: number | null;
}

export interface AskInput {
  readonly attempt: number;
  readonly engine: Engine;
  /** Absent in instances from before generations had a model of their own: the configured one. */
  readonly model?: string | undefined;
  /** See `Limits.goesOn`. */
  readonly goesOn?: boolean | undefined;
}

/** @throws Fault MODEL_* from the model, GENERATION_ENDED when it was cancelled */
export async function askModel(job: Job, input: AskInput, deps: StepDeps): Promise<Asked> {
  const { attempt } = input;
  const key = keys.reply(job.orgId, job.generationId, attempt);
  const existing = await deps.store.objects.find(key);
  const { ref, text } = existing ?? (await callModel(job, input, key, deps));
  const reply = storedReply.parse(JSON.parse(text));
  const at = deps.now().toISOString();
  const data = repliedData(attempt, reply);
  await deps.store.change(
    deps.store.spend.settling(job.generationId, attempt, reply.call, reply, at),
    deps.store.events.appending(job, { key: `attempt:${attempt}:replied`, type: 'replied', data }, at),
  );
  return { reply: ref, stopReason: reply.stopReason, model: reply.model, costUsd: reply.costUsd };
}

/** What the event `replied` says. */
export function repliedData(attempt: number, reply: StoredReply): Record<string, unknown> {
  const { model, stopReason, usage, costUsd, durationMs } = reply;
  return { attempt, model, stopReason, usage, costUsd, durationMs };
}

/** @param id absent: the configured one */
export function modelOf(id: string | undefined, deps: StepDeps): Model {
  return id === undefined || id === deps.model.id ? deps.model : deps.openModel(id);
}

async function callModel(job: Job, input: AskInput, key: string, deps: StepDeps): Promise<StoredObject> {
  const { attempt, engine } = input;
  const model = modelOf(input.model, deps);
  const at = deps.now().toISOString();
  const { attempts, events } = deps.store;
  const called = { key: `attempt:${attempt}:model_called`, type: 'model_called' } as const;
  await showProgress(
    job,
    { step: 'generate', attempt, casesPassed: 0 },
    deps,
    attempts.starting({ ...job, n: attempt }, at),
    events.appending(job, { ...called, data: { attempt, model: model.id } }, at),
  );
  const turns = await conversation(job, input, deps);
  return payOnce(job, { attempt, model, task: engine, turns, key }, deps);
}

export interface PaidCall {
  /** 0 for what is asked before the first attempt. */
  readonly attempt: number;
  readonly model: Model;
  readonly task: TaskName;
  readonly turns: readonly Turn[];
  readonly key: string;
}

/** One call, in the ledger before it is made; what is stored under the key is the answer for ever. */
export async function payOnce(
  job: Job,
  { attempt, model, task, turns, key }: PaidCall,
  deps: StepDeps,
): Promise<StoredObject> {
  const { spend, objects } = deps.store;
  const at = deps.now().toISOString();
  const call = await spend.reserve(job.orgId, job.generationId, attempt, model.id, at);
  const answer = await model.answer(turns, task);
  const { promptVersion, system } = TASKS[task];
  const promptSha256 = await sha256Hex(system);
  return objects.putOnce(
    key,
    JSON.stringify({ call, promptVersion, promptSha256, ...answer } satisfies StoredReply),
  );
}

/**
 * The request, then every earlier reply with the feedback it got. What a retry goes on from is stored as
 * attempt 0: an answer that was paid for in another generation.
 */
export async function conversation(
  job: Job,
  { attempt, goesOn }: Pick<AskInput, 'attempt' | 'goesOn'>,
  deps: Pick<StepDeps, 'store'>,
): Promise<Turn[]> {
  const first = await deps.store.objects.get(keys.firstTurn(job.orgId, job.generationId));
  if (first === null) throw new Fault('STORE_MISSING', 'the first turn was not prepared');
  const turns: Turn[] = [{ role: 'user', text: first }];
  for (let n = goesOn === true ? 0 : 1; n < attempt; n += 1) {
    const reply = await deps.store.objects.get(keys.reply(job.orgId, job.generationId, n));
    const feedback = await deps.store.objects.get(keys.feedback(job.orgId, job.generationId, n));
    if (reply === null || feedback === null)
      throw new Fault('STORE_MISSING', `attempt ${n} has no reply or feedback`);
    turns.push({ role: 'assistant', text: assistantText(storedReply.parse(JSON.parse(reply))) });
    turns.push({ role: 'user', text: feedback });
  }
  return turns;
}

/** An answer cut off or empty is not repeated to the model: the API refuses empty turns. */
function assistantText(reply: StoredReply): string {
  if (reply.stopReason === 'max_tokens' || reply.text.trim() === '') return '(no complete answer)';
  return reply.text;
}
