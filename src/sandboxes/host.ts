/** The verification host as a plain HTTP server, started beside the Worker on a machine without Docker. */
import { CALLER_TIMEOUT_MS } from '../../container/protocol.ts';
import { Fault, messageOf } from '../errors.ts';
import type { HostAnswer } from '../schema/report.ts';
import { openExchange, readAnswer } from './exchange.ts';
import type { Sandbox, SandboxCall } from './sandbox.ts';

export interface HostAddress {
  /** Origin, without a trailing slash. */
  readonly url: string;
  readonly token: string;
  /** The only build whose answers count. */
  readonly buildId: string;
}

export class HostSandbox implements Sandbox {
  readonly kind = 'host';
  readonly #address: HostAddress;

  constructor(address: HostAddress) {
    this.#address = address;
  }

  async verify(call: SandboxCall): Promise<HostAnswer> {
    const exchange = openExchange(call);
    try {
      const response = await fetch(`${this.#address.url}/verify`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#address.token}` },
        body: exchange.body,
        signal: AbortSignal.timeout(CALLER_TIMEOUT_MS),
      });
      return await readAnswer(exchange, response, this.#address.buildId);
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault('SANDBOX_UNAVAILABLE', `verification host cannot be reached: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}
