/** Where the crash suite's webhooks arrive: outside of the stack, and alive when that dies. Takes everything. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Webhook {
  readonly id: string;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Webhook[];
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Webhook[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    received.push({ id: String(request.headers['webhook-id']), body });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/hook`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
