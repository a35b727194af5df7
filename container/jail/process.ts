/**
 * The degraded room, for a machine that allows no namespaces: a process of its own with limits, a uid of its
 * own, no capability and no way to gain one, in a root directory of its own. Network, loopback and process
 * table are the machine's, and the self-test says so: an answer from here is never accepted. It exists so that
 * such a machine is named by its report instead of failing to start.
 */
import { chmodSync, chownSync, copyFileSync, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Jail, prlimitArgs, ROOM, type RoomCommand, type RoomSpec, userArgs } from './jail.ts';
import { killGroup, killUid } from './kill.ts';
import { addPrograms, type Skeleton } from './skeleton.ts';
import type { Tools } from './tools.ts';

/** The programs such a room needs beside the others; undefined when one is missing. */
export interface ProcessTools {
  readonly chroot: string;
  readonly env: string;
}

export function processJail(skeleton: Skeleton, tools: Tools, own: ProcessTools): Jail {
  // Like the others', and with a program that changes directory: chroot always ends up in `/`.
  const template = join(skeleton.roomsDir, 'template');
  linkTree(skeleton.room, template);
  addPrograms(template, { [basename(own.env)]: own.env });
  return {
    kind: 'process',
    ownUid: true,
    sharesFolders: false,
    command(spec, uid, name): RoomCommand {
      const root = join(skeleton.roomsDir, name);
      return {
        file: tools.sh,
        args: [
          ...['-c', FIRST_TO_GO, 'room', own.chroot, root],
          ...['/bin/prlimit', ...prlimitArgs(spec.limits)],
          ...['/bin/setpriv', ...userArgs(uid), '--no-new-privs'],
          ...['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'],
          // After the change of uid, which clears it.
          ...['/bin/setpriv', '--pdeathsig=KILL', '/bin/env', '-C', spec.cwd, ...spec.argv],
        ],
        files: {},
        folder: { make: () => layOut(template, root, spec, uid), remove: () => removeFolder(root) },
      };
    },
    kill: killGroup,
    sweep: (uid) => killUid(uid, tools),
  };
}

const FIRST_TO_GO = 'echo 1000 >/proc/self/oom_score_adj; exec "$@"';

/** Nothing can be mounted here, so case and rule are copied; only `/tmp` belongs to the room. */
function layOut(template: string, root: string, spec: RoomSpec, uid: number): void {
  linkTree(template, root);
  copyReadOnly(spec.caseDir, root + ROOM.case);
  copyReadOnly(spec.ruleDir, root + ROOM.rule);
  const tmp = join(root, 'tmp');
  chownSync(tmp, uid, uid);
  chmodSync(tmp, 0o700);
}

/** Whatever the modes of the original: root's, and writable by root alone. */
function copyReadOnly(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyReadOnly(source, target);
    else {
      copyFileSync(source, target);
      chmodSync(target, 0o644);
    }
  }
}

function removeFolder(root: string): void {
  rmSync(root, { recursive: true, force: true });
}

/** Folders made anew, files shared: the node binary alone is 120 MB. All are root's, so no room can change one. */
function linkTree(from: string, to: string): void {
  mkdirSync(to, { mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else linkSync(source, target);
  }
}
