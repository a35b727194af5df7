/**
 * Puts the local isolate host together: private directory, parsing threads, workerd, self-test, server; and
 * takes it apart again without leaving a process or a file behind.
 */
import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { log } from '../container/log.ts';
import type { HostOptions } from '../container/options.ts';
import { HOST_PARALLELISM, type HostBuild, type IsolationReport } from '../container/protocol.ts';
import { createHost } from '../container/server.ts';
import { Slots } from '../container/slots.ts';
import { makeHostDir, removeLeftovers } from '../container/temp.ts';
import { isolateBuild } from './local/build.ts';
import { Kitchen } from './local/kitchen.ts';
import { roomScripts } from './local/room-scripts.ts';
import { isolatesAlive, killAllIsolates, runIsolate } from './local/run.ts';
import { measureIsolation } from './local/self-test.ts';
import { findWorkerd, runtime } from './local/tools.ts';
import { type Factory, isolatesBackEnd } from './session.ts';

export interface RunningHost {
  readonly url: string;
  readonly build: HostBuild;
  readonly isolation: IsolationReport;
  stop(): Promise<void>;
}

export async function startHost(options: HostOptions): Promise<RunningHost> {
  const removed = removeLeftovers();
  if (removed.length > 0) log('leftovers.removed', { removed });
  const slots = new Slots(Math.max(HOST_PARALLELISM, availableParallelism()));
  const hostDir = makeHostDir();
  const kitchen = new Kitchen(slots.total);
  const cleanUp = async (): Promise<void> => {
    killAllIsolates();
    await kitchen.close();
    for (let tries = 0; slots.busy + isolatesAlive() > 0 && tries < 100; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    rmSync(hostDir, { recursive: true, force: true });
  };
  try {
    const walls = runtime(findWorkerd().path);
    const build = isolateBuild();
    const [isolation] = await Promise.all([measureIsolation(walls, hostDir), kitchen.warmUp()]);
    const factory = localFactory({ slots, kitchen, walls, hostDir });
    const server = createHost({
      backEnd: isolatesBackEnd(factory),
      build,
      isolation,
      token: options.token,
    });
    const url = await listen(server, options);
    return { url, build, isolation, stop: () => stop(server, cleanUp) };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

export interface LocalParts {
  readonly slots: Slots;
  readonly kitchen: Kitchen;
  readonly walls: ReturnType<typeof runtime>;
  readonly hostDir: string;
}

export function localFactory({ slots, kitchen, walls, hostDir }: LocalParts): Factory {
  return {
    slots,
    scripts: roomScripts(),
    parsers: {
      strip: (source, timeoutMs, signal) => kitchen.run('strip', [source], timeoutMs, signal),
      narrow: (rule, cases, timeoutMs, signal) => kitchen.run('narrow', [rule, cases], timeoutMs, signal),
      trees: (rule, files, timeoutMs, signal) => kitchen.run('trees', [rule, files], timeoutMs, signal),
    },
    run: (bundle, { token, matches, timeoutMs, signal }) =>
      runIsolate(walls, hostDir, bundle, { task: { token, matches }, timeoutMs, signal }),
  };
}

function listen(server: Server, options: HostOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.bind, () => {
      const { address, port, family } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
    });
  });
}

async function stop(server: Server, cleanUp: () => Promise<void>): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // Ends the requests too: each sees its caller gone and kills its own isolates.
  server.closeAllConnections();
  await closed;
  await cleanUp();
}
