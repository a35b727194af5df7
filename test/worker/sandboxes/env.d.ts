import type { ContainerGate } from '../../../src/sandboxes/container-gate.ts';

declare global {
  namespace Cloudflare {
    interface Env {
      CONTAINER_GATE: DurableObjectNamespace<ContainerGate>;
    }
  }
}
