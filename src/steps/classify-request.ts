/**
 * Decides the engine of a generation. What the request names or shows is taken as it is; only what is left
 * open is asked of the model, in one small call that is ledgered and stored like any other. An answer that
 * cannot be read means `runtime`, which can say everything: no generation fails here for it. A retry keeps the
 * engine of what it repeats, so that it is neither paid for twice nor decided otherwise.
 */
import type { Model } from '../models/model.ts';
import { parseClassification } from '../models/parse-reply.ts';
import { classifyTurn } from '../models/prompt-classify.ts';
import { type EngineChoice, engineOf } from '../rules/classify.ts';
import type { Engine, RuleRequest } from '../schema/request.ts';
import { keys } from '../store/objects.ts';
import { modelOf, payOnce, storedReply } from './ask-model.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequest } from './load-request.ts';
import { showProgress } from './progress.ts';

export interface Classified {
  readonly engine: Engine;
  /** Of the model call; 0 when none was needed, `null` when its price is not known. */
  readonly costUsd: number | null;
}

const MAX_REASON_CHARS = 300;

export interface ClassifyInput {
  /** The one the generation was made for; absent as in `AskInput`. */
  readonly model?: string | undefined;
}

/** @throws Fault MODEL_* from the model, GENERATION_ENDED when it was cancelled */
export async function classifyRequest(
  job: Job,
  { model }: ClassifyInput,
  deps: StepDeps,
): Promise<Classified> {
  const request = await loadRequest(job, deps);
  await showProgress(job, { step: 'classify' }, deps);
  const known = engineOf(request) ?? (await engineKept(job, deps));
  const { engine, why, costUsd } =
    known === null ? await askForEngine(job, request, modelOf(model, deps), deps) : { ...known, costUsd: 0 };
  const at = deps.now().toISOString();
  const data = { requested: request.engine ?? null, engine, why, askedModel: known === null, costUsd };
  await deps.store.change(
    deps.store.generations.choosingEngine(job.generationId, engine, why, at),
    deps.store.events.appending(job, { key: 'classified', type: 'classified', data }, at),
  );
  return { engine, costUsd };
}

/** An engine of the row that no answer of this generation gave it: that of the generation it is a retry of. */
async function engineKept(job: Job, { store }: StepDeps): Promise<EngineChoice | null> {
  const row = await store.generations.find(job.orgId, job.generationId);
  if (row === null || row.engine === null) return null;
  const answer = await store.objects.get(keys.classification(job.orgId, job.generationId));
  if (answer !== null) return null;
  return { engine: row.engine, why: row.engine_reason ?? 'it was made before there was another engine' };
}

async function askForEngine(
  job: Job,
  request: RuleRequest,
  model: Model,
  deps: StepDeps,
): Promise<EngineChoice & Pick<Classified, 'costUsd'>> {
  const key = keys.classification(job.orgId, job.generationId);
  const turns = [{ role: 'user' as const, text: classifyTurn(request) }];
  const { text } =
    (await deps.store.objects.find(key)) ??
    (await payOnce(job, { attempt: 0, model, task: 'classify', turns, key }, deps));
  const reply = storedReply.parse(JSON.parse(text));
  const at = deps.now().toISOString();
  await deps.store.change(deps.store.spend.settling(job.generationId, 0, reply.call, reply, at));
  const parsed = parseClassification(reply.text);
  const choice: EngineChoice = parsed.ok
    ? { engine: parsed.value.engine, why: `the model says: ${oneLine(parsed.value.why)}` }
    : { engine: 'runtime', why: 'the model gave no readable answer, and runtime can say everything' };
  return { ...choice, costUsd: reply.costUsd };
}

function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_REASON_CHARS)
    .toWellFormed();
}
