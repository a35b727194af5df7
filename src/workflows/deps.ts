/** Makes the dependencies of steps from the checked configuration. */
import { type Bindings, type Config, loadConfig } from '../env.ts';
import { AnthropicModel } from '../models/anthropic.ts';
import type { BundleLog, StepDeps } from '../steps/deps.ts';
import { openStore } from '../store/store.ts';
import { LOG_NAME } from '../tlog/service/settings.ts';
import { openSandboxes } from './open-sandboxes.ts';

/** @throws Fault CONFIG_INVALID */
export async function openDeps(bindings: Bindings): Promise<StepDeps> {
  const config = await loadConfig(bindings);
  return {
    store: openStore(config.db, config.bucket),
    model: openModel(config, config.model.id),
    openModel: (id) => openModel(config, id),
    sandboxes: openSandboxes(config.sandboxes),
    signingKey: config.signingKey,
    trustRootSha256: config.trustRootSha256,
    log: openLog(config),
    now: () => new Date(),
  };
}

function openLog({ log }: Config): BundleLog | null {
  if (log === null) return null;
  const { signer, writer } = log;
  return {
    key: { origin: signer.origin, key: signer.key.publicKey },
    append: (bundleSha256) => writer.get(writer.idFromName(LOG_NAME)).append(bundleSha256),
  };
}

function openModel({ model }: Config, id: string): AnthropicModel {
  return new AnthropicModel({ ...model, model: id });
}
