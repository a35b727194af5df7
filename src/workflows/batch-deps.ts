/** Makes the dependencies of a batch's steps from the checked configuration. */
import { type Bindings, type Config, loadConfig } from '../env.ts';
import { Fault } from '../errors.ts';
import { createInstance } from '../instances.ts';
import { priceOf } from '../models/pricing.ts';
import type { BatchDeps } from '../steps/batch/deps.ts';
import { type BatchJob, batchInstanceId } from '../store/batches.ts';
import { timeOrderedId } from '../store/ids.ts';
import { batchDeliveryIdOf } from '../store/outbox.ts';
import { openStore } from '../store/store.ts';
import { startEnd } from '../webhooks/start.ts';
import { openEconomy } from './open-economy.ts';
import { pause } from './pause.ts';

const TOKENS_PER_MTOK = 1_000_000;

/** @throws Fault CONFIG_INVALID */
export async function openBatchDeps(bindings: Bindings): Promise<BatchDeps> {
  const config = await loadConfig(bindings);
  const { prices, maxTokens, id, allowed } = config.model;
  const store = openStore(config.db, config.bucket, pause);
  return {
    store,
    models: {
      default: id,
      allowed,
      hasPrice: (model) => priceOf(prices, model) !== null,
      answerUsd: (model) => ((priceOf(prices, model)?.outputUsdPerMTok ?? 0) * maxTokens) / TOKENS_PER_MTOK,
    },
    economy: openEconomy(config),
    now: () => new Date(),
    wait: (ms) => scheduler.wait(ms),
    newGenerationId: (now) => timeOrderedId('gen', now.getTime()),
    startGeneration: (params) => createOnce(config.workflow, params.generationId, params),
    startBatch: (job) => startBatchInstance(config, job),
    tell: (job) => startEnd(config.deliver, store.deliveries, job.orgId, batchDeliveryIdOf(job)),
  };
}

/** The instance that may act for a batch from now on; one that is there already is fine. */
export function startBatchInstance(config: Config, job: BatchJob): Promise<void> {
  return createOnce(config.batchWorkflow, batchInstanceId(job), job);
}

/** @throws Fault WORKFLOW_UNAVAILABLE */
async function createOnce<T>(workflow: Workflow<T>, id: string, params: T): Promise<void> {
  try {
    await createInstance(workflow, id, params);
  } catch (error) {
    throw new Fault('WORKFLOW_UNAVAILABLE', `instance ${id} could not be made`, { cause: error });
  }
}
