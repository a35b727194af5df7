/** Makes the dependencies of steps from the checked configuration. */
import { type Bindings, type Config, loadConfig, type SandboxConfig } from '../env.ts';
import { AnthropicModel } from '../models/anthropic.ts';
import { ContainerSandbox } from '../sandboxes/container.ts';
import { HostSandbox } from '../sandboxes/host.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { StepDeps } from '../steps/deps.ts';
import { openStore } from '../store/store.ts';

/** @throws Fault CONFIG_INVALID */
export async function openDeps(bindings: Bindings): Promise<StepDeps> {
  const config = await loadConfig(bindings);
  return {
    store: openStore(config.db, config.bucket),
    model: openModel(config),
    sandbox: openSandbox(config.sandbox),
    signingKey: config.signingKey,
    now: () => new Date(),
  };
}

function openModel({ model }: Config): AnthropicModel {
  return new AnthropicModel({ ...model, model: model.id });
}

function openSandbox(config: SandboxConfig): Sandbox {
  return config.kind === 'container'
    ? new ContainerSandbox(config.namespace, config.buildId)
    : new HostSandbox(config);
}
