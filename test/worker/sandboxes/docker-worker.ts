/**
 * The Worker of the Docker suite: our real back end, gate and container class, and doors to look at them.
 * Bundled by wrangler and run in workerd; see test/docker.
 */
import { getSandbox } from '@cloudflare/sandbox';
import { faultCode, messageOf } from '../../../src/errors.ts';
import { ContainerSandbox } from '../../../src/sandboxes/container.ts';
import type { ContainerGate } from '../../../src/sandboxes/container-gate.ts';
import { GATE_NAME } from '../../../src/sandboxes/container-gate-state.ts';
import { startContainer, waitAtGate } from '../../../src/sandboxes/container-start.ts';
import type { SandboxCall } from '../../../src/sandboxes/sandbox.ts';
import { CONTAINER_PORT, VerificationContainer } from '../../../src/sandboxes/verification-container.ts';

export { ContainerGate } from '../../../src/sandboxes/container-gate.ts';
export { VerificationContainer } from '../../../src/sandboxes/verification-container.ts';

/** The same with the outer wall left out: what it keeps in, this lets out. */
export class OpenContainer extends VerificationContainer {
  override enableInternet = true;
}

interface Bindings {
  readonly VERIFICATION_CONTAINER: DurableObjectNamespace<VerificationContainer>;
  readonly OPEN_CONTAINER: DurableObjectNamespace<OpenContainer>;
  readonly CONTAINER_GATE: DurableObjectNamespace<ContainerGate>;
  readonly BUILD_ID: string;
}

type Door = (bindings: Bindings, body: string) => Promise<unknown>;

const START_BY_MS = 45_000;

const doors: Readonly<Record<string, Door>> = {
  verify: (bindings, body) => {
    const { VERIFICATION_CONTAINER: namespace, CONTAINER_GATE: gate, BUILD_ID: buildId } = bindings;
    return new ContainerSandbox({ namespace, gate, buildId }).verify(JSON.parse(body) as SandboxCall);
  },
  gate: (bindings) => gateOf(bindings).list(),
  /** As a call that dies between the start of its container and the answer. */
  startAndDie: async (bindings, id) => {
    const gate = gateOf(bindings);
    await waitAtGate(gate, id, Date.now() + START_BY_MS);
    const silent = {
      enter: (one: string) => gate.enter(one),
      renew: (one: string) => gate.renew(one),
      started: async () => true,
    };
    await startContainer(getSandbox(bindings.VERIFICATION_CONTAINER, id), silent, {
      id,
      buildId: bindings.BUILD_ID,
      startBy: Date.now() + START_BY_MS,
    });
  },
  start: (bindings, id) => fetchHealth(bindings.VERIFICATION_CONTAINER, id),
  startOpen: (bindings, id) => fetchHealth(bindings.OPEN_CONTAINER, id),
  destroy: (bindings, id) => getSandbox(bindings.VERIFICATION_CONTAINER, id).destroy(),
  destroyOpen: (bindings, id) => getSandbox(bindings.OPEN_CONTAINER, id).destroy(),
};

function gateOf(bindings: Bindings): DurableObjectStub<ContainerGate> {
  return bindings.CONTAINER_GATE.get(bindings.CONTAINER_GATE.idFromName(GATE_NAME));
}

async function fetchHealth(
  namespace: DurableObjectNamespace<VerificationContainer>,
  id: string,
): Promise<unknown> {
  const response = await getSandbox(namespace, id).containerFetch(
    'http://verification-host/healthz',
    {},
    CONTAINER_PORT,
  );
  return { status: response.status, text: await response.text() };
}

export default {
  async fetch(request, bindings) {
    const door = doors[new URL(request.url).pathname.slice(1)];
    if (door === undefined) return new Response('no such door', { status: 404 });
    try {
      return Response.json({ value: (await door(bindings, await request.text())) ?? null });
    } catch (error) {
      return Response.json({ fault: { code: faultCode(error), message: messageOf(error) } });
    }
  },
} satisfies ExportedHandler<Bindings>;
