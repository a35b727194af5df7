/**
 * The order of steps of one generation, and nothing else: accept, classify, prepare, then generate, inspect,
 * verify, confirm in a second sandbox, judge until a rule is accepted or a limit is reached, then sign,
 * log and publish. One that verifies a rule again recalls it instead of generating.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { Bindings, GenerateRuleParams } from '../env.ts';
import { faultCode, shownReason } from '../errors.ts';
import type { SandboxKind } from '../schema/report.ts';
import { acceptRequest, type Limits } from '../steps/accept-request.ts';
import { type Asked, askModel } from '../steps/ask-model.ts';
import { classifyRequest } from '../steps/classify-request.ts';
import type { StepDeps } from '../steps/deps.ts';
import { type EndInput, endGeneration } from '../steps/end-generation.ts';
import { type Inspected, inspectReply } from '../steps/inspect-rule.ts';
import { type Judged, judgeAttempt } from '../steps/judge-attempt.ts';
import { keepTimes } from '../steps/keep-times.ts';
import { logBundle } from '../steps/log-bundle.ts';
import { prepareGeneration } from '../steps/prepare-generation.ts';
import { showRetries } from '../steps/progress.ts';
import { publishRule } from '../steps/publish-rule.ts';
import { type Recalled, recallRule } from '../steps/recall-rule.ts';
import { signRule } from '../steps/sign-rule.ts';
import { type VerifyInput, verifyChunk } from '../steps/verify-chunk.ts';
import type { ObjectRef } from '../store/objects.ts';
import type { StepTime } from '../store/step-times.ts';
import { openDeps } from './deps.ts';
import { durable, type RunStep } from './durable.ts';
import { policies } from './policies.ts';

/** With their result a generation has ended. */
const LAST_STEPS: ReadonlySet<string> = new Set([policies.publish.name, policies.end.name]);

export class GenerateRule extends WorkflowEntrypoint<Bindings, GenerateRuleParams> {
  override async run(event: Readonly<WorkflowEvent<GenerateRuleParams>>, step: WorkflowStep): Promise<void> {
    const job = event.payload;
    const times: StepTime[] = [];
    const about = { generation: job.generationId, org: job.orgId };
    const onDone = (time: StepTime) => times.push(time);
    // Once signing has begun there may be a signature, whatever fails then.
    let missing = 'signed';
    const runStep: RunStep<StepDeps> = (policy, body) => {
      if (policy === policies.sign) missing = 'published';
      return durable(
        step,
        policy,
        async (run) => {
          const startedMs = Date.now();
          const deps = await openDeps(this.env);
          if (run.stepAttempt > 1) await showRetries(job, run.stepAttempt - 1, deps);
          const result = await body(deps, run);
          if (run.stepAttempt > 1) await showRetries(job, 0, deps);
          if (LAST_STEPS.has(policy.name)) {
            const own = { step: policy.name, startedMs, durationMs: Date.now() - startedMs, ...run };
            await keepTimes(job, [...times, own], deps);
          }
          return result;
        },
        { about, onDone },
      );
    };
    const end = (input: EndInput) => runStep(policies.end, (deps) => endGeneration(job, input, deps));
    try {
      const outcome = await generate(job, runStep);
      if (outcome !== null) await end(outcome);
    } catch (error) {
      const code = faultCode(error);
      // Cancelled meanwhile: it has its end already, and there is nothing left to do.
      if (code === 'GENERATION_ENDED') return;
      await end({
        status: 'errored',
        code,
        message: `${shownReason(error).replace(/\.$/, '')}. Nothing was ${missing}; retry the generation`,
      });
    }
  }
}

/** `null` when a rule was published; otherwise how the generation ends. */
async function generate(job: GenerateRuleParams, runStep: RunStep<StepDeps>): Promise<EndInput | null> {
  const limits = await runStep(policies.accept, (deps) => acceptRequest(job, deps));
  if (limits.reverifies != null) return reverify(job, limits.reverifies, limits, runStep);
  const { engine, costUsd } = await runStep(policies.classify, (deps) =>
    classifyRequest(job, { model: limits.model }, deps),
  );
  const prepared = await runStep(policies.prepare, (deps) => prepareGeneration(job, deps));
  let spentUsd = costUsd;
  let last = 'no attempt was made';
  for (let attempt = 1; attempt <= limits.attempts; attempt += 1) {
    const overspent = costProblem(limits.costUsd, spentUsd, attempt - 1, last);
    if (overspent !== null) return overspent;
    const ask = { attempt, engine, model: limits.model, goesOn: limits.goesOn };
    const asked = await runStep(policies.generate(attempt), (deps) => askModel(job, ask, deps));
    spentUsd = spentUsd === null || asked.costUsd === null ? null : spentUsd + asked.costUsd;
    const inspected = await runStep(policies.inspect(attempt), (deps) =>
      inspectReply(job, { attempt, reply: asked.reply, engine }, deps),
    );
    if (inspected.kind === 'gave_up')
      return { status: 'failed', code: inspected.code, message: inspected.message };
    if (inspected.kind === 'refused') {
      last = inspected.summary;
      continue;
    }
    const judged = await verify(job, { attempt, inspected, limits, caseCount: prepared.cases }, runStep);
    last = judged.summary;
    if (judged.verdict === 'accepted') {
      await publish(job, { attempt, asked, judged, rule: inspected.rule, limits }, runStep);
      return null;
    }
  }
  return {
    status: 'failed',
    code: 'ATTEMPTS_SPENT',
    message: `no rule passed in ${limits.attempts} attempts; the last: ${last}`,
  };
}

/** The same rule, new evidence: one verification, and no model is asked. */
async function reverify(
  job: GenerateRuleParams,
  rule: string,
  limits: Limits,
  runStep: RunStep<StepDeps>,
): Promise<EndInput | null> {
  const attempt = 1;
  const recalled = await runStep(policies.recall, (deps) => recallRule(job, { rule }, deps));
  if (recalled.kind === 'refused') return notVerified(recalled.summary);
  const judged = await verify(
    job,
    { attempt, inspected: recalled, limits, caseCount: recalled.cases },
    runStep,
  );
  if (judged.verdict !== 'accepted') return notVerified(judged.summary);
  await publish(job, { attempt, asked: recalled, judged, rule: recalled.rule, limits }, runStep);
  return null;
}

function notVerified(why: string): EndInput {
  return { status: 'failed', code: 'NOT_REVERIFIED', message: `the rule does not pass today: ${why}` };
}

interface Verification {
  readonly attempt: number;
  readonly inspected: Extract<Inspected | Recalled, { kind: 'rule' }>;
  readonly limits: Limits;
  readonly caseCount: number;
}

async function verify(
  job: GenerateRuleParams,
  what: Verification,
  runStep: RunStep<StepDeps>,
): Promise<Judged> {
  const { attempt, caseCount } = what;
  const { first, second } = what.inspected.sandboxes;
  const run = (purpose: VerifyInput['purpose'], sandbox: SandboxKind) =>
    runCases(job, what, { purpose, sandbox }, runStep);
  // Some cases show only when they are parsed that a sandbox cannot run them; then the other one is left.
  const preferred = second === null ? await run('verify', first) : await orUnsuitable(run('verify', first));
  const { chunks, passed } = preferred ?? (await run('verify', second ?? first));
  // Only what the first sandbox accepts has to be accepted by the second.
  const toConfirm = preferred === null || passed < caseCount ? null : second;
  const confirmed = toConfirm === null ? null : await orUnsuitable(run('confirm', toConfirm));
  const input = { attempt, chunks, confirmChunks: confirmed?.chunks ?? [] };
  return runStep(policies.judge(attempt), (deps) => judgeAttempt(job, input, deps));
}

/** `null` when that kind of sandbox cannot run the rule on these cases. */
async function orUnsuitable<T>(running: Promise<T>): Promise<T | null> {
  try {
    return await running;
  } catch (error) {
    if (faultCode(error) === 'SANDBOX_UNSUITABLE') return null;
    throw error;
  }
}

/** Every case in one sandbox, chunk after chunk. */
async function runCases(
  job: GenerateRuleParams,
  { attempt, inspected, limits, caseCount }: Verification,
  where: Pick<VerifyInput, 'purpose' | 'sandbox'>,
  runStep: RunStep<StepDeps>,
): Promise<{ chunks: ObjectRef[]; passed: number }> {
  const chunks: ObjectRef[] = [];
  let pending = Array.from({ length: caseCount }, (_, index) => index);
  let passed = 0;
  const { caseTimeoutMs } = limits;
  while (pending.length > 0) {
    const chunk = chunks.length;
    const rule = inspected.rule;
    const input = { ...where, attempt, chunk, pending, rule, caseTimeoutMs, passedBefore: passed };
    const verified = await runStep(policies[where.purpose](attempt, chunk + 1), (deps, { stepAttempt }) =>
      verifyChunk(job, { ...input, stepAttempt }, deps),
    );
    chunks.push(verified.report);
    passed += verified.passed;
    pending = verified.decided ? [] : [...verified.pending];
  }
  return { chunks, passed };
}

interface Accepted {
  readonly attempt: number;
  readonly asked: Pick<Asked, 'reply'>;
  readonly judged: Judged;
  readonly rule: ObjectRef;
  readonly limits: Limits;
}

async function publish(
  job: GenerateRuleParams,
  accepted: Accepted,
  runStep: RunStep<StepDeps>,
): Promise<void> {
  const { attempt, asked, judged, rule, limits } = accepted;
  const signed = await runStep(policies.sign, (deps) =>
    signRule(
      job,
      {
        attempt,
        rule,
        report: judged.report,
        confirmation: judged.confirmation,
        reply: asked.reply,
        verifiedAt: judged.verifiedAt,
        caseTimeoutMs: limits.caseTimeoutMs,
      },
      deps,
    ),
  );
  await runStep(policies.log, (deps) => logBundle(job, { attempt, bundle: signed.bundle }, deps));
  await runStep(policies.publish, (deps) =>
    publishRule(job, { ...signed, attempt, attemptsMax: limits.attempts, passed: judged.passed }, deps),
  );
}

/** How the generation ends when its cost limit is reached, or can no longer be kept; else `null`. */
function costProblem(
  limitUsd: number | null,
  spentUsd: number | null,
  attempts: number,
  last: string,
): EndInput | null {
  if (limitUsd === null || (spentUsd !== null && spentUsd < limitUsd)) return null;
  const after = `after ${attempts} attempts; the last: ${last}`;
  if (spentUsd === null) {
    const message = `the model that answered has no configured price, so the cost limit cannot be kept, ${after}`;
    return { status: 'failed', code: 'COST_UNKNOWN', message };
  }
  return {
    status: 'failed',
    code: 'BUDGET_SPENT',
    message: `the cost limit of ${limitUsd} USD was reached ${after}`,
  };
}
