/**
 * Whom the crash suite's Worker asks at every point: goes on, or kills. Keeps what was reached, in the order it
 * was, which the judgement of the whole run needs: a model call after its answer was recorded is one too many.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const reached = z.object({ instance: z.string().nullable(), point: z.string() });
export type Reached = z.infer<typeof reached>;

export interface Control {
  readonly url: string;
  close(): Promise<void>;
}

/** @param onReached false: kill now; the Worker gets no answer */
export async function startControl(onReached: (reached: Reached) => boolean): Promise<Control> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    if (onReached(reached.parse(JSON.parse(body)))) response.end('go on');
    else response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
