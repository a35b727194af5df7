/** The back ends of this deployment, made from the checked configuration. */
import type { SandboxConfig } from '../env-sandboxes.ts';
import { Fault } from '../errors.ts';
import { ContainerSandbox } from '../sandboxes/container.ts';
import { HttpSandbox } from '../sandboxes/http.ts';
import type { Sandbox, Sandboxes } from '../sandboxes/sandbox.ts';
import type { SandboxKind } from '../schema/report.ts';

export function openSandboxes(config: SandboxConfig): Sandboxes {
  return { policy: config.policy, open: (kind) => open(config, kind) };
}

function open({ container, host, isolate }: SandboxConfig, kind: SandboxKind): Sandbox {
  if (kind === 'container' && container !== null) return new ContainerSandbox(container);
  if (kind === 'host' && host !== null) return new HttpSandbox('host', host);
  if (kind === 'isolate' && isolate !== null) return new HttpSandbox('isolate', isolate);
  // A generation outlives deploys; the one that chose this kind may have been another.
  throw new Fault('SANDBOX_UNAVAILABLE', `this deployment has no ${kind} sandbox any more`);
}
