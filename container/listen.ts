/** How every host begins and ends to listen, and what a running one is. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import type { HostOptions } from './options.ts';
import { HOST_PARALLELISM, type HostBuild, type IsolationReport } from './protocol.ts';
import { Slots } from './slots.ts';

export interface RunningHost {
  readonly url: string;
  readonly build: HostBuild;
  readonly isolation: IsolationReport;
  stop(): Promise<void>;
}

/** As many as this machine has processors for. */
export function machineSlots(): Slots {
  return new Slots(Math.max(HOST_PARALLELISM, availableParallelism()));
}

/** @returns the URL it can be reached by */
export function listen(server: Server, options: Pick<HostOptions, 'port' | 'bind'>): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.bind, () => {
      const { address, port, family } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
    });
  });
}

/** Ends the requests too: each sees its caller gone and kills what runs for it. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

/** Waits until what was killed is seen dead, 2 s at most. */
export async function untilNone(count: () => number): Promise<void> {
  for (let tries = 0; count() > 0 && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
