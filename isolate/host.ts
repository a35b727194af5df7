/**
 * Puts the local isolate host together: private directory, parsing threads, workerd, self-test, server; and
 * takes it apart again without leaving a process or a file behind.
 */
import { rmSync } from 'node:fs';
import { closeServer, listen, machineSlots, type RunningHost, untilNone } from '../container/listen.ts';
import type { HostOptions } from '../container/options.ts';
import { createHost } from '../container/server.ts';
import type { Slots } from '../container/slots.ts';
import { makeHostDir, removeLeftovers } from '../container/temp.ts';
import { isolateBuild } from './local/build.ts';
import { Kitchen } from './local/kitchen.ts';
import { roomScripts } from './local/room-scripts.ts';
import { isolatesAlive, killAllIsolates, runIsolate } from './local/run.ts';
import { measureIsolation } from './local/self-test.ts';
import { findWorkerd, runtime } from './local/tools.ts';
import { type Factory, isolatesBackEnd } from './session.ts';

export async function startHost(options: HostOptions): Promise<RunningHost> {
  removeLeftovers();
  const slots = machineSlots();
  const hostDir = makeHostDir();
  const kitchen = new Kitchen(slots.total);
  const cleanUp = async (): Promise<void> => {
    killAllIsolates();
    await kitchen.close();
    await untilNone(() => slots.busy + isolatesAlive());
    rmSync(hostDir, { recursive: true, force: true });
  };
  try {
    const walls = runtime(findWorkerd().path);
    const build = isolateBuild();
    const [isolation] = await Promise.all([measureIsolation(walls, hostDir), kitchen.warmUp()]);
    const factory = localFactory({ slots, kitchen, walls, hostDir });
    const server = createHost({ backEnd: isolatesBackEnd(factory), build, isolation, token: options.token });
    const url = await listen(server, options);
    const stop = async (): Promise<void> => {
      await closeServer(server);
      await cleanUp();
    };
    return { url, build, isolation, stop };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

interface LocalParts {
  readonly slots: Slots;
  readonly kitchen: Kitchen;
  readonly walls: ReturnType<typeof runtime>;
  readonly hostDir: string;
}

function localFactory({ slots, kitchen, walls, hostDir }: LocalParts): Factory {
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
