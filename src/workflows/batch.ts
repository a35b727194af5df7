/**
 * The order of steps of a batch, and nothing else: look, ask the provider, wait, again. What to do is read from the rows
 * at every look, so an instance can be lost, doubled or replaced without harm; after so many it hands on to the next.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { BatchParams, Bindings } from '../env.ts';
import { faultCode, shownReason } from '../errors.ts';
import type { BatchDeps } from '../steps/batch/deps.ts';
import { handOn } from '../steps/batch/hand-on.ts';
import { lookAtBatch } from '../steps/batch/look-at-batch.ts';
import { SHORTEST_WAIT_MS } from '../steps/batch/settle-items.ts';
import { stopBatch } from '../steps/batch/stop-batch.ts';
import { openBatchDeps } from './batch-deps.ts';
import { durable, type RunStep } from './durable.ts';
import { askFirstTurns } from './first-turns.ts';
import { batchPolicies as policies } from './policies.ts';

/** A step and a sleep each: an instance stays below 1,024 steps, the smallest limit of the platform. */
const LOOKS_PER_INSTANCE = 500;
/** In economy mode up to six steps and a sleep each. */
const ECONOMY_LOOKS_PER_INSTANCE = 140;
/** How long one step looks on while generations end one after the other: ten looks or so. */
const STAY_MS = 5_000;

export class Batch extends WorkflowEntrypoint<Bindings, BatchParams> {
  override async run(event: Readonly<WorkflowEvent<BatchParams>>, step: WorkflowStep): Promise<void> {
    const job = event.payload;
    const about = { batch: job.batchId, org: job.orgId };
    const runStep: RunStep<BatchDeps> = (policy, body) =>
      durable(step, policy, async (run) => body(await openBatchDeps(this.env), run), { about });
    try {
      const over = await work(job, runStep, (name, waitMs) => step.sleep(name, waitMs));
      if (!over) await runStep(policies.handOn, (deps) => handOn(job, deps));
    } catch (error) {
      const reason = { code: faultCode(error), message: `${shownReason(error)}; resume the batch` };
      await runStep(policies.stop, (deps) => stopBatch(job, reason, deps));
    }
  }
}

/** False when there is more to do than one instance does. */
async function work(
  job: BatchParams,
  runStep: RunStep<BatchDeps>,
  sleep: (name: string, waitMs: number) => Promise<void>,
): Promise<boolean> {
  let waitedMs = 0;
  let looks = LOOKS_PER_INSTANCE;
  for (let n = 1; n <= looks; n += 1) {
    const lastWaitMs = waitedMs;
    // One that failed or was killed before is done as soon as it can be.
    const look = await runStep(policies.look(n), (deps, { stepAttempt }) =>
      lookAtBatch(job, { lastWaitMs, stayMs: stepAttempt === 1 ? STAY_MS : 0 }, deps),
    );
    if (look.over) return true;
    if (look.economy) looks = ECONOMY_LOOKS_PER_INSTANCE;
    const settled = await askFirstTurns(job, n, look.turns, runStep);
    waitedMs = settled ? SHORTEST_WAIT_MS : look.waitMs;
    await sleep(`wait ${n}`, waitedMs);
  }
  return false;
}
