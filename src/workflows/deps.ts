/** Makes the dependencies of steps from the checked configuration. */
import { type Bindings, type Config, loadConfig } from '../env.ts';
import { AnthropicModel } from '../models/anthropic.ts';
import type { StepDeps } from '../steps/deps.ts';
import { openStore } from '../store/store.ts';
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
    now: () => new Date(),
  };
}

function openModel({ model }: Config, id: string): AnthropicModel {
  return new AnthropicModel({ ...model, model: id });
}
