/**
 * The verification host in a Cloudflare container: one fresh container per call, one request, destroyed
 * whatever happens. Calls are raced, not aborted: an abort leaks the platform's in-flight count and the
 * container would never sleep; `destroy()` ends an abandoned call instead.
 */
import { getSandbox } from '@cloudflare/sandbox';
import { CALLER_TIMEOUT_MS } from '../../container/protocol.ts';
import { Fault, messageOf } from '../errors.ts';
import { log } from '../logger.ts';
import type { HostAnswer } from '../schema/report.ts';
import {
  END_TIMEOUT_MS,
  HEALTH_TRY_MS,
  MIN_START_MS,
  READY_WITHIN_MS,
  SLEEP_AFTER_SECONDS,
  START_TIMEOUT_MS,
} from './container-deadlines.ts';
import type { ContainerGate } from './container-gate.ts';
import { GATE_NAME } from './container-gate-state.ts';
import { type StartingContainer, startContainer, waitAtGate } from './container-start.ts';
import { withDeadline } from './deadline.ts';
import { openExchange, readAnswer } from './exchange.ts';
import type { Sandbox, SandboxCall } from './sandbox.ts';
import { CONTAINER_PORT, type VerificationContainer } from './verification-container.ts';

export interface ContainerBinding {
  readonly namespace: DurableObjectNamespace<VerificationContainer>;
  readonly gate: DurableObjectNamespace<ContainerGate>;
  /** The only build whose answers count. */
  readonly buildId: string;
}

export class ContainerSandbox implements Sandbox {
  readonly kind = 'container';
  readonly #binding: ContainerBinding;

  constructor(binding: ContainerBinding) {
    this.#binding = binding;
  }

  async verify(call: SandboxCall): Promise<HostAnswer> {
    const { buildId } = this.#binding;
    const exchange = openExchange(call);
    const readyBy = Date.now() + READY_WITHIN_MS;
    const gate = this.#binding.gate.get(this.#binding.gate.idFromName(GATE_NAME));
    let container: OwnedContainer | undefined;
    try {
      await waitAtGate(gate, call.id, readyBy - MIN_START_MS);
      container = this.#open(call.id);
      const startBy = Math.min(readyBy, Date.now() + START_TIMEOUT_MS);
      await startContainer(container, gate, { id: call.id, buildId, startBy });
      const answer = container
        .containerFetch(
          'http://verification-host/verify',
          { method: 'POST', headers: { 'content-type': 'application/json' }, body: exchange.body },
          CONTAINER_PORT,
        )
        .then((response) => readAnswer(exchange, response, buildId));
      return await withDeadline(answer, CALLER_TIMEOUT_MS, 'did not answer');
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault('SANDBOX_UNAVAILABLE', `container did not answer: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      await end(gate, container, call.id);
    }
  }

  #open(id: string): OwnedContainer {
    return getSandbox(this.#binding.namespace, id, {
      sleepAfter: SLEEP_AFTER_SECONDS,
      enableDefaultSession: false,
      containerTimeouts: { instanceGetTimeoutMS: HEALTH_TRY_MS, portReadyTimeoutMS: HEALTH_TRY_MS },
    });
  }
}

interface OwnedContainer extends StartingContainer {
  destroy(): Promise<void>;
}

/** Never throws: what it could not do is on record at the gate, whose alarm does it. */
async function end(
  gate: DurableObjectStub<ContainerGate>,
  container: OwnedContainer | undefined,
  id: string,
): Promise<void> {
  const endBy = Date.now() + END_TIMEOUT_MS;
  const within = <T>(work: Promise<T>, what: string): Promise<T> =>
    withDeadline(work, Math.max(endBy - Date.now(), 1_000), what);
  try {
    try {
      if (container !== undefined) await within(container.destroy(), 'was not destroyed');
    } catch (error) {
      report('container_destroy_failed', id, error);
      await within(gate.abandon(id), 'was not handed to the gate');
      return;
    }
    await within(gate.leave(id), 'did not leave the gate');
  } catch (error) {
    report('container_gate_unreachable', id, error);
  }
}

function report(event: string, id: string, error: unknown): void {
  log('warn', event, { container: id, message: messageOf(error) });
}
