/**
 * Puts a host together: private directory, jail, self-test, server; and takes it apart again without
 * leaving a process or a file behind.
 */
import { existsSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { buildId } from './build.ts';
import { startReadyRoom, startReadyStripper } from './check.ts';
import { findJail, NoJail } from './jail/detect.ts';
import { killAllRooms } from './jail/run.ts';
import { measureIsolation } from './jail/self-test.ts';
import { log } from './log.ts';
import type { HostOptions } from './options.ts';
import { HOST_PARALLELISM, type HostBuild, type IsolationReport } from './protocol.ts';
import { ReadyRooms } from './ready-rooms.ts';
import { roomsBackEnd, type Workshop } from './rooms.ts';
import { createHost } from './server.ts';
import { Slots } from './slots.ts';
import { makeHostDir, removeLeftovers } from './temp.ts';

export interface RunningHost {
  readonly url: string;
  readonly build: HostBuild;
  readonly isolation: IsolationReport;
  stop(): Promise<void>;
}

export async function startHost(options: HostOptions): Promise<RunningHost> {
  const sourceDir = import.meta.dirname;
  const removed = removeLeftovers();
  if (removed.length > 0) log('leftovers.removed', { removed });
  const astGrep = options.astGrep ?? findAstGrep();
  if (!existsSync(astGrep)) throw new NoJail(`ast-grep is not at ${astGrep}; give its path with --ast-grep`);
  const hostDir = makeHostDir();
  const cleanUp = (): void => rmSync(hostDir, { recursive: true, force: true });
  try {
    const found = await findJail({
      hostDir,
      sourceDir,
      node: process.execPath,
      astGrep,
      choice: options.jail,
      degradedAllowed: options.degradedAllowed,
    });
    const isolation = await measureIsolation(found.jail, hostDir);
    const build = { id: buildId(sourceDir), node: process.versions.node, astGrep: found.astGrepVersion };
    const slots = new Slots(Math.max(HOST_PARALLELISM, availableParallelism()));
    // A room that gets copies would not see what is put into its directories later.
    const readyRooms = found.jail.sharesFolders ? options.readyRooms : 0;
    const ready = new ReadyRooms(found.jail, hostDir, readyRooms, startReadyRoom);
    const strippers = Math.min(readyRooms, 1);
    const readyStrippers = new ReadyRooms(found.jail, hostDir, strippers, startReadyStripper);
    readyStrippers.refill();
    ready.refill();
    const workshop = { jail: found.jail, slots, hostDir, ready, readyStrippers };
    const server = createHost({ backEnd: roomsBackEnd(workshop), build, isolation, token: options.token });
    const url = await listen(server, options);
    return { url, build, isolation, stop: () => stop(server, workshop, cleanUp) };
  } catch (error) {
    killAllRooms();
    cleanUp();
    throw error;
  }
}

/** The CLI's platform package, as npm installs it; the package's own entry may be a script. */
function findAstGrep(): string {
  const resolve = createRequire(import.meta.url).resolve;
  const libc = existsSync('/etc/alpine-release') ? 'musl' : 'gnu';
  try {
    const name = `@ast-grep/cli-linux-${process.arch}-${libc}/package.json`;
    return join(dirname(resolve(name)), 'ast-grep');
  } catch {
    throw new NoJail(
      'ast-grep is not installed: npm install @ast-grep/cli, or give its path with --ast-grep',
    );
  }
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

async function stop(
  server: Server,
  { slots, ready, readyStrippers }: Workshop,
  cleanUp: () => void,
): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // Ends the requests too: each sees its caller gone and kills its own rooms.
  server.closeAllConnections();
  ready.close();
  readyStrippers.close();
  killAllRooms();
  await closed;
  for (let tries = 0; slots.busy + ready.count + readyStrippers.count > 0 && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  cleanUp();
}
