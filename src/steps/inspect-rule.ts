/**
 * The model's answer to a rule that may be run, or to feedback, or to an end of the generation. Nothing
 * is executed.
 */
import { inspectionFeedback, truncationFeedback } from '../models/feedback.ts';
import { hostProblems } from '../rules/declared-hosts.ts';
import { unsupportedByIsolate } from '../rules/isolate-needs.ts';
import type { Problem } from '../rules/result.ts';
import { type SandboxChoice, selectSandboxes } from '../sandboxes/select.ts';
import type { Engine } from '../schema/request.ts';
import type { RuleSize } from '../schema/rule.ts';
import type { Change } from '../store/changed.ts';
import { keys, type ObjectRef } from '../store/objects.ts';
import { storedReply } from './ask-model.ts';
import type { Job, StepDeps } from './deps.ts';
import { DRAFT } from './draft-rule.ts';
import { loadRequest } from './load-request.ts';
import { showProgress } from './progress.ts';

export interface InspectInput {
  readonly attempt: number;
  readonly reply: ObjectRef;
  readonly engine: Engine;
}

export type Inspected =
  | {
      readonly kind: 'rule';
      readonly rule: ObjectRef;
      readonly size: RuleSize;
      readonly sandboxes: SandboxChoice;
    }
  | { readonly kind: 'refused'; readonly summary: string }
  | { readonly kind: 'gave_up'; readonly code: 'MODEL_REFUSED' | 'MODEL_DECLINED'; readonly message: string };

const TRUNCATED = new Set(['max_tokens', 'model_context_window_exceeded']);

export async function inspectReply(job: Job, input: InspectInput, deps: StepDeps): Promise<Inspected> {
  const reply = storedReply.parse(JSON.parse(await deps.store.objects.read(input.reply)));
  await showProgress(job, { step: 'inspect', attempt: input.attempt }, deps);
  if (reply.stopReason === 'refusal') {
    return { kind: 'gave_up', code: 'MODEL_REFUSED', message: 'the model refused to answer this request' };
  }
  if (TRUNCATED.has(reply.stopReason)) {
    return refused(job, input.attempt, 'the answer was cut off', truncationFeedback(input.engine), deps);
  }
  const request = await loadRequest(job, deps);
  const drafted = await DRAFT[input.engine](reply.text, request);
  if (!drafted.ok) return refusedFor(job, input.attempt, drafted.problems, deps);
  if ('declined' in drafted.value) {
    const message = `the model declined: ${drafted.value.declined.slice(0, 1_000)}`;
    return { kind: 'gave_up', code: 'MODEL_DECLINED', message };
  }
  const { rule } = drafted.value;
  const unasked = hostProblems(rule.capabilities.hosts, request.egress);
  if (unasked.length > 0) return refusedFor(job, input.attempt, unasked, deps);
  const chosen = selectSandboxes(deps.sandboxes.policy, unsupportedByIsolate(rule, request.cases));
  if (!chosen.ok) return refusedFor(job, input.attempt, chosen.problems, deps);
  const sandboxes = chosen.value;
  const key = keys.rule(job.orgId, job.generationId, input.attempt);
  const { ref } = await deps.store.objects.putOnce(key, JSON.stringify(rule));
  const { name, engine, size } = rule;
  const { attempts } = deps.store;
  await deps.store.change(
    attempts.sizing({ ...job, n: input.attempt }, size),
    inspected(job, input.attempt, { accepted: true, name, engine, size, sandboxes }, deps),
  );
  return { kind: 'rule', rule: ref, size, sandboxes };
}

function refusedFor(
  job: Job,
  attempt: number,
  problems: readonly Problem[],
  deps: StepDeps,
): Promise<Inspected> {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const summary = `inspection refused the rule: ${problems[0]?.message ?? 'unknown'}${more}`;
  return refused(job, attempt, summary, inspectionFeedback(problems), deps);
}

async function refused(
  job: Job,
  attempt: number,
  summary: string,
  feedback: string,
  deps: StepDeps,
): Promise<Inspected> {
  await deps.store.objects.putOnce(keys.feedback(job.orgId, job.generationId, attempt), feedback);
  const end = { verdict: 'rejected', summary, casesPassed: 0, sandboxMs: 0 } as const;
  await deps.store.change(
    ...deps.store.attempts.ending({ ...job, n: attempt }, end, [], deps.now().toISOString()),
    inspected(job, attempt, { accepted: false, message: summary }, deps),
  );
  return { kind: 'refused', summary };
}

/** The event of it, of whatever attempt. */
export function inspected(
  job: Job,
  attempt: number,
  about: Readonly<Record<string, unknown>>,
  { store, now }: Pick<StepDeps, 'store' | 'now'>,
): Change {
  const event = {
    key: `attempt:${attempt}:inspected`,
    type: 'inspected',
    data: { attempt, ...about },
  } as const;
  return store.events.appending(job, event, now().toISOString());
}
