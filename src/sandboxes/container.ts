/**
 * The verification host in a Cloudflare container: one fresh container per call, one `containerFetch`,
 * destroyed whatever happens. The call is raced, not aborted: an abort leaks the platform's in-flight
 * count and the container would never sleep; `destroy()` ends an abandoned call instead.
 */
import { getSandbox } from '@cloudflare/sandbox';
import { CALLER_TIMEOUT_MS } from '../../container/protocol.ts';
import { Fault, messageOf } from '../errors.ts';
import type { HostAnswer } from '../schema/report.ts';
import { openExchange, readAnswer } from './exchange.ts';
import type { Sandbox, SandboxCall } from './sandbox.ts';
import { CONTAINER_PORT, type VerificationContainer } from './verification-container.ts';

export class ContainerSandbox implements Sandbox {
  readonly kind = 'container';
  readonly #namespace: DurableObjectNamespace<VerificationContainer>;
  readonly #buildId: string;

  /** @param buildId the only build whose answers count */
  constructor(namespace: DurableObjectNamespace<VerificationContainer>, buildId: string) {
    this.#namespace = namespace;
    this.#buildId = buildId;
  }

  async verify(call: SandboxCall): Promise<HostAnswer> {
    const exchange = openExchange(call);
    const container = getSandbox(this.#namespace, call.id, {
      sleepAfter: '4m',
      enableDefaultSession: false,
      containerTimeouts: { instanceGetTimeoutMS: 30_000, portReadyTimeoutMS: 30_000 },
    });
    try {
      const answer = container
        .containerFetch(
          'http://verification-host/verify',
          { method: 'POST', headers: { 'content-type': 'application/json' }, body: exchange.body },
          CONTAINER_PORT,
        )
        .then((response: Response) => readAnswer(exchange, response, this.#buildId));
      return await withDeadline(answer, CALLER_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault('SANDBOX_UNAVAILABLE', `container did not answer: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      await destroyQuietly(container);
    }
  }
}

async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Fault('SANDBOX_UNAVAILABLE', `container did not answer within ${deadlineMs} ms`)),
      deadlineMs,
    );
  });
  // When the deadline wins, the loser's own failure must not surface as an unhandled rejection.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function destroyQuietly(container: { destroy(): Promise<void> }): Promise<void> {
  try {
    await container.destroy();
  } catch (error) {
    console.warn(
      JSON.stringify({ level: 'warn', event: 'container_destroy_failed', message: messageOf(error) }),
    );
  }
}
