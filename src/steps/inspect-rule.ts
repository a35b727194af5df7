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
import { keys, type ObjectRef } from '../store/objects.ts';
import { storedReply } from './ask-model.ts';
import type { Job, StepDeps } from './deps.ts';
import { DRAFT } from './draft-rule.ts';
import { loadRequest } from './load-request.ts';
import { inShort, noteAccepted, noteRefused } from './note-inspection.ts';
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
  await noteAccepted(job, input.attempt, rule, { sandboxes }, deps);
  return { kind: 'rule', rule: ref, size: rule.size, sandboxes };
}

function refusedFor(
  job: Job,
  attempt: number,
  problems: readonly Problem[],
  deps: StepDeps,
): Promise<Inspected> {
  const summary = `inspection refused the rule: ${inShort(problems)}`;
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
  await noteRefused(job, attempt, summary, deps);
  return { kind: 'refused', summary };
}
