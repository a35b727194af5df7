/**
 * A room from util-linux alone: unshare, mount, pivot_root, setpriv, prlimit. Two forms:
 * - with user namespaces: everything is built by an unprivileged uid inside its own user namespace,
 *   and the command runs in a second one, as uid 1000, where no third can be made;
 * - without (root only, where user namespaces are forbidden): built by root, command as a uid of its own.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Jail,
  prlimitArgs,
  ROOM,
  type RoomCommand,
  type RoomSpec,
  userArgs,
  type Weakness,
} from './jail.ts';
import type { Skeleton } from './skeleton.ts';
import type { Tools } from './tools.ts';

export interface UtilLinuxOptions {
  readonly userNamespaces: boolean;
  readonly asRoot: boolean;
  /**
   * In a container whose /proc is masked the kernel lets no user namespace mount another. The container's own is
   * shown to the tools of the antechamber instead; the room sees neither.
   */
  readonly outerProc?: boolean;
  readonly weaknesses?: readonly Weakness[];
}

export function utilLinuxJail(skeleton: Skeleton, tools: Tools, options: UtilLinuxOptions): Jail {
  const weak = new Set(options.weaknesses ?? []);
  return {
    kind: 'util-linux',
    ownUid: options.asRoot,
    sharesFolders: true,
    command(spec, uid, name): RoomCommand {
      const fstab = join(skeleton.roomsDir, `${name}.fstab`);
      const args = [
        // Ends the room when the supervisor dies, even by SIGKILL.
        '--pdeathsig=KILL',
        ...(options.asRoot && options.userNamespaces ? userArgs(uid) : []),
        tools.unshare,
        ...namespaceFlags(options, weak),
        tools.sh,
        skeleton.script,
        tools.mount,
        tools.pivotRoot,
        tools.hostname ?? '',
        skeleton.mountpoint,
        fstab,
        options.userNamespaces ? (options.outerProc ? 'outer-proc' : 'own-proc') : '',
        spec.cwd,
        ...insideArgs(spec, uid, options, weak),
      ];
      return { file: tools.setpriv, args, files: { [fstab]: fstabText(spec, skeleton, options, weak) } };
    },
  };
}

function namespaceFlags(options: UtilLinuxOptions, weak: ReadonlySet<Weakness>): string[] {
  return [
    ...(options.userNamespaces ? ['--user', '--map-root-user'] : []),
    ...(weak.has('network') ? [] : ['--net']),
    ...(weak.has('processes') ? [] : ['--pid']),
    '--ipc',
    '--uts',
    '--mount',
    '--propagation=private',
    '--fork',
    '--kill-child',
  ];
}

/** The last links of the chain, run inside the room: limits, then privileges, then the command. */
function insideArgs(
  spec: RoomSpec,
  uid: number,
  options: UtilLinuxOptions,
  weak: ReadonlySet<Weakness>,
): string[] {
  return [
    '/bin/prlimit',
    ...prlimitArgs(spec.limits),
    '/bin/setpriv',
    ...(options.userNamespaces ? [] : userArgs(uid)),
    ...(weak.has('privileges') ? [] : ['--no-new-privs']),
    ...(weak.has('capabilities') ? [] : ['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all']),
    ...spec.argv,
  ];
}

function fstabText(
  spec: RoomSpec,
  skeleton: Skeleton,
  options: UtilLinuxOptions,
  weak: ReadonlySet<Weakness>,
): string {
  const root = skeleton.mountpoint;
  const room = join(root, 'room');
  const sealed = 'nosuid,nodev,noexec';
  const bind = (from: string, to: string, flags: string): string => `${from} ${to} none bind,${flags} 0 0`;
  const tmpfs = `size=${spec.limits.tmpBytes},nr_inodes=1k,mode=1777`;
  return [
    bind(skeleton.dir, root, 'ro,nosuid,nodev'),
    // For the tools of the antechamber; the room has no /proc at all, so it has nothing to leak or tune.
    options.outerProc ? `/proc ${root}/proc none rbind 0 0` : `proc ${root}/proc proc ${sealed} 0 0`,
    bind(spec.caseDir, room + ROOM.case, weak.has('case-writable') ? sealed : `ro,${sealed}`),
    bind(spec.ruleDir, room + ROOM.rule, `ro,${sealed}`),
    `tmpfs ${room}/tmp tmpfs ${sealed},${tmpfs} 0 0`,
    ...(weak.has('host-files') ? [bind(tmpdir(), room + tmpdir(), 'X-mount.mkdir')] : []),
    bind('/dev/null', `${room}/dev/null`, 'nosuid,noexec'),
    '',
  ].join('\n');
}
