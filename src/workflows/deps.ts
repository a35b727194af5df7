/** Makes the dependencies of steps from the checked configuration. */
import { type Bindings, type Config, loadConfig } from '../env.ts';
import { AnthropicModel } from '../models/anthropic.ts';
import type { DeliveryDeps } from '../steps/deliver-webhook.ts';
import type { BundleLog, StepDeps } from '../steps/deps.ts';
import { deliveryIdOf } from '../store/outbox.ts';
import { openStore } from '../store/store.ts';
import { publicHalf } from '../tlog/checkpoint.ts';
import { LOG_NAME } from '../tlog/service/settings.ts';
import { RETRY_DELAYS_MS } from '../webhooks/outcome.ts';
import { startEnd } from '../webhooks/start.ts';
import { openSandboxes } from './open-sandboxes.ts';
import { pause } from './pause.ts';

/** @throws Fault CONFIG_INVALID */
export async function openDeps(bindings: Bindings): Promise<StepDeps> {
  const config = await loadConfig(bindings);
  const store = openStore(config.db, config.bucket, pause);
  return {
    store,
    model: openModel(config, config.model.id),
    openModel: (id) => openModel(config, id),
    sandboxes: openSandboxes(config.sandboxes),
    signingKey: config.signingKey,
    trustRootSha256: config.trustRootSha256,
    log: openLog(config),
    tell: (job) => startEnd(config.deliver, store.deliveries, job.orgId, deliveryIdOf(job.generationId)),
    now: () => new Date(),
  };
}

/** @throws Fault CONFIG_INVALID */
export async function openDeliveryDeps(bindings: Bindings): Promise<DeliveryDeps> {
  const { db, bucket, webhooks } = await loadConfig(bindings);
  return {
    store: openStore(db, bucket),
    webhooks,
    delaysMs: webhooks?.delaysMs ?? RETRY_DELAYS_MS,
    now: () => new Date(),
    random: () => Math.random(),
  };
}

function openLog({ log }: Config): BundleLog | null {
  if (log === null) return null;
  const { signer, writer } = log;
  return {
    key: publicHalf(signer),
    append: (bundleSha256) => writer.get(writer.idFromName(LOG_NAME)).append(bundleSha256),
  };
}

function openModel({ model }: Config, id: string): AnthropicModel {
  return new AnthropicModel({ ...model, model: id });
}
