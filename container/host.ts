/**
 * Puts a host together: private directory, jail, self-test, server; and takes it apart again without
 * leaving a process or a file behind.
 */
import { existsSync, rmSync } from 'node:fs';
import { buildId } from './build.ts';
import { startReadyRoom, startReadyStripper } from './check.ts';
import { findAstGrep } from './find-ast-grep.ts';
import { findJail, NoJail } from './jail/detect.ts';
import { killAllRooms } from './jail/run.ts';
import { measureIsolation } from './jail/self-test.ts';
import { closeServer, listen, machineSlots, type RunningHost, untilNone } from './listen.ts';
import type { HostOptions } from './options.ts';
import { ReadyRooms } from './ready-rooms.ts';
import { roomsBackEnd } from './rooms.ts';
import { createHost } from './server.ts';
import { makeHostDir, removeLeftovers } from './temp.ts';

export async function startHost(options: HostOptions): Promise<RunningHost> {
  const sourceDir = import.meta.dirname;
  removeLeftovers();
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
    const slots = machineSlots();
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
    const stop = async (): Promise<void> => {
      const closed = closeServer(server);
      ready.close();
      readyStrippers.close();
      killAllRooms();
      await closed;
      await untilNone(() => slots.busy + ready.count + readyStrippers.count);
      cleanUp();
    };
    return { url, build, isolation, stop };
  } catch (error) {
    killAllRooms();
    cleanUp();
    throw error;
  }
}
