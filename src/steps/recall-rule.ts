/**
 * Takes a signed rule up again, so that it is verified anew: the same files, inspected by today's rules, with the reply
 * they were written in. Files that are not the ones that were signed are never verified as if they were.
 */
import { Fault } from '../errors.ts';
import { hostProblems } from '../rules/declared-hosts.ts';
import { sha256Hex } from '../rules/digest.ts';
import { inspectRule } from '../rules/inspect.ts';
import { inspectSg } from '../rules/inspect-sg.ts';
import { unsupportedByIsolate } from '../rules/isolate-needs.ts';
import type { Problem, Result } from '../rules/result.ts';
import { type SandboxChoice, selectSandboxes } from '../sandboxes/select.ts';
import type { RuleRequest } from '../schema/request.ts';
import { type Rule, type RuleSize, ruleSchema } from '../schema/rule.ts';
import { type Statement, statementSchema } from '../schema/statement.ts';
import { keys, type ObjectRef } from '../store/objects.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequest } from './load-request.ts';
import { inShort, noteAccepted, noteRefused } from './note-inspection.ts';
import { showProgress } from './progress.ts';

/** The only one of a generation that verifies again. */
const ATTEMPT = 1;

export type Recalled =
  | {
      readonly kind: 'rule';
      readonly rule: ObjectRef;
      readonly reply: ObjectRef;
      readonly size: RuleSize;
      readonly sandboxes: SandboxChoice;
      readonly cases: number;
    }
  | { readonly kind: 'refused'; readonly summary: string };

/** @throws Fault STORE_MISSING | STORE_CONFLICT when what was signed is not there, or not what was signed */
export async function recallRule(
  job: Job,
  input: { readonly rule: string },
  deps: StepDeps,
): Promise<Recalled> {
  const { store } = deps;
  const begun = store.attempts.starting({ ...job, n: ATTEMPT }, deps.now().toISOString());
  await showProgress(job, { step: 'recall', attempt: ATTEMPT, casesPassed: 0 }, deps, begun);
  const signed = await store.rules.find(job.orgId, input.rule);
  if (signed === null) throw new Fault('STORE_MISSING', `rule ${input.rule} is missing`);
  const from: Job = { orgId: job.orgId, generationId: signed.generation_id };
  const statement = statementSchema.parse(
    JSON.parse(await read(keys.statement(from.orgId, from.generationId), deps)),
  );
  const { attempts } = statement.predicate.generation;
  const reply = await read(keys.reply(from.orgId, from.generationId, attempts), deps);
  const earlier = ruleSchema.parse(
    JSON.parse(await read(keys.rule(from.orgId, from.generationId, attempts), deps)),
  );
  await assertSigned(earlier, statement);

  const request = await loadRequest(job, deps);
  const admitted = admit(earlier, request, deps);
  if (!admitted.ok) return refused(job, admitted.problems, deps);
  const { rule, sandboxes } = admitted.value;
  const stored = await store.objects.putOnce(
    keys.rule(job.orgId, job.generationId, ATTEMPT),
    JSON.stringify(rule),
  );
  const copied = await store.objects.putOnce(keys.reply(job.orgId, job.generationId, ATTEMPT), reply);
  await noteAccepted(job, ATTEMPT, rule, { sandboxes, reverifies: input.rule }, deps);
  const { size } = rule;
  return { kind: 'rule', rule: stored.ref, reply: copied.ref, size, sandboxes, cases: request.cases.length };
}

async function read(key: string, deps: StepDeps): Promise<string> {
  const text = await deps.store.objects.get(key);
  if (text === null) throw new Fault('STORE_MISSING', `object ${key} is missing`);
  return text;
}

async function assertSigned(rule: Rule, { subject }: Statement): Promise<void> {
  const digests = new Map(subject.map(({ name, digest }) => [name, digest.sha256]));
  for (const [path, text] of Object.entries(rule.files)) {
    if (digests.get(path) !== (await sha256Hex(text))) {
      throw new Fault('STORE_CONFLICT', `the stored ${path} is not the one that was signed`);
    }
  }
}

/** What may enter a sandbox is decided by today's inspection, whatever was once let in. */
function admit(
  earlier: Rule,
  request: RuleRequest,
  deps: StepDeps,
): Result<{ rule: Rule; sandboxes: SandboxChoice }> {
  const inspected = (earlier.engine === 'sg' ? inspectSg : inspectRule)(earlier);
  if (!inspected.ok) return inspected;
  const rule = inspected.value;
  const unasked = hostProblems(rule.capabilities.hosts, request.egress);
  if (unasked.length > 0) return { ok: false, problems: unasked };
  const chosen = selectSandboxes(deps.sandboxes.policy, unsupportedByIsolate(rule, request.cases));
  return chosen.ok ? { ok: true, value: { rule, sandboxes: chosen.value } } : chosen;
}

async function refused(job: Job, problems: readonly Problem[], deps: StepDeps): Promise<Recalled> {
  const summary = `inspection refuses the rule today: ${inShort(problems)}`;
  await noteRefused(job, ATTEMPT, summary, deps);
  return { kind: 'refused', summary };
}
