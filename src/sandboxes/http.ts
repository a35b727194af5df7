/**
 * A verification host that answers HTTP: started beside the Worker on a bare machine (rooms or isolates),
 * or the isolate Worker behind a service binding.
 */
import { CALLER_TIMEOUT_MS } from '../../container/protocol.ts';
import { Fault, messageOf } from '../errors.ts';
import type { HostAnswer, SandboxKind } from '../schema/report.ts';
import { openExchange, readAnswer } from './exchange.ts';
import { readHealth } from './host-health.ts';
import type { Sandbox, SandboxCall } from './sandbox.ts';

/** What a service binding can do that matters here; not its own type, because Node knows none of it. */
interface Service {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

export type HttpAddress =
  /** Origin, without a trailing slash. */
  | { readonly url: string; readonly token: string; readonly buildId: string }
  | { readonly service: Service; readonly buildId: string };

export class HttpSandbox implements Sandbox {
  readonly kind: SandboxKind;
  readonly #address: HttpAddress;

  constructor(kind: SandboxKind, address: HttpAddress) {
    this.kind = kind;
    this.#address = address;
  }

  async verify(call: SandboxCall): Promise<HostAnswer> {
    const exchange = openExchange(call);
    try {
      const response = await this.#post(exchange.body);
      return await readAnswer(exchange, response, this.#address.buildId);
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault(
        'SANDBOX_UNAVAILABLE',
        `the ${this.kind} sandbox cannot be reached: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /**
   * Asks for nothing but whether it is there, of the right build, and behind its walls.
   * @throws Fault SANDBOX_UNAVAILABLE | SANDBOX_NOT_ISOLATED
   */
  async assertHealthy(timeoutMs: number): Promise<void> {
    const init = { signal: AbortSignal.timeout(timeoutMs) };
    const answer = await readHealth(await this.#health(init), this.#address.buildId);
    if (answer !== 'healthy') throw new Fault('SANDBOX_UNAVAILABLE', answer.problem);
  }

  #health(init: RequestInit): Promise<Response> {
    if ('service' in this.#address) return this.#address.service.fetch('http://isolate/healthz', init);
    const authorization = `Bearer ${this.#address.token}`;
    return fetch(`${this.#address.url}/healthz`, { ...init, headers: { authorization } });
  }

  #post(body: string): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', body, signal: AbortSignal.timeout(CALLER_TIMEOUT_MS) };
    if ('service' in this.#address) {
      return this.#address.service.fetch('http://isolate/verify', { ...init, headers });
    }
    const authorization = `Bearer ${this.#address.token}`;
    return fetch(`${this.#address.url}/verify`, { ...init, headers: { ...headers, authorization } });
  }
}
