/** Whether each sandbox that is listed is there, is the build whose answers count, and stands behind its walls. */
import type { SandboxConfig } from '../env-sandboxes.ts';
import { GATE_NAME } from '../sandboxes/container-gate-state.ts';
import { HttpSandbox } from '../sandboxes/http.ts';
import type { SandboxKind } from '../schema/report.ts';
import { type Finding, fine, PART_TIMEOUT_MS, type Part } from './check.ts';

const MEND: Readonly<Record<SandboxKind, string>> = {
  host: 'start the verification host of SANDBOX_HOST_URL, of the build SANDBOX_BUILD_ID; meanwhile verifications are tried again, then end as errored',
  isolate: 'deploy both Workers again with "npm run deploy"; locally, start the isolate host',
  container: 'look at the Durable Object ContainerGate',
};

export function sandboxParts({ policy, host, isolate, container }: SandboxConfig): Part[] {
  return policy.available.map((kind) => ({
    name: `sandbox:${kind}`,
    mend: MEND[kind],
    look: async (): Promise<Finding> => {
      const address = kind === 'host' ? host : kind === 'isolate' ? isolate : null;
      if (address !== null) {
        await new HttpSandbox(kind, address).assertHealthy(PART_TIMEOUT_MS);
        return fine('answers, is the expected build, and its walls stand');
      }
      if (container === null) throw new Error('not configured');
      const gate = container.gate.get(container.gate.idFromName(GATE_NAME));
      const held = await gate.list();
      // One would have to be started to be asked, and every call starts its own and asks it first.
      return fine(`its gate answers; ${held.length} containers are on record. None is started for this`);
    },
  }));
}
