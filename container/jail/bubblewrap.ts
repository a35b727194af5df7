/**
 * A room from bubblewrap. It is always started as an unprivileged uid with an empty environment:
 * bubblewrap itself is pid 1 inside, and started by root its kernel settings would be writable.
 *
 * Round it lies one more pid namespace: bubblewrap ends as soon as its command has, while others in the
 * room may still be dying (measured); unshare ends only when the kernel has seen all of them dead.
 */
import { type Jail, prlimitArgs, ROOM, ROOM_ENV, type RoomCommand, type RoomSpec, userArgs } from './jail.ts';
import type { Skeleton } from './skeleton.ts';
import type { Tools } from './tools.ts';

const NAMESPACES = ['user', 'ipc', 'pid', 'net', 'uts'].map((name) => `--unshare-${name}`);

export interface BubblewrapOptions {
  readonly asRoot: boolean;
  /** Root alone is not enough: in a container it often lacks CAP_SYS_ADMIN. */
  readonly mayMount: boolean;
}

export function bubblewrapJail(
  skeleton: Skeleton,
  tools: Tools,
  bwrap: string,
  { asRoot, mayMount }: BubblewrapOptions,
): Jail {
  return {
    kind: 'bubblewrap',
    ownUid: asRoot,
    sharesFolders: true,
    command(spec, uid): RoomCommand {
      const drop = asRoot ? userArgs(uid) : [];
      const [dropFirst, dropAfterMounts] = mayMount ? [[], drop] : [drop, []];
      return {
        file: tools.setpriv,
        args: [
          // Ends the room when the supervisor dies, even by SIGKILL; and again below, after the uid change.
          ...['--pdeathsig=KILL', ...dropFirst, tools.unshare],
          ...(mayMount ? [] : ['--user', '--map-root-user']),
          ...['--mount', '--pid', '--propagation=private', '--fork', '--kill-child'],
          ...[tools.sh, '-c', PREPARE, 'room'],
          ...[tools.mount, `nosuid,nodev,noexec,size=${spec.limits.tmpBytes},nr_inodes=1k,mode=1777`],
          ...[skeleton.mountpoint, tools.setpriv, '--pdeathsig=KILL', ...dropAfterMounts],
          ...[bwrap, ...bwrapArgs(spec, skeleton)],
          ...['/bin/prlimit', ...prlimitArgs(spec.limits)],
          ...['/bin/setpriv', '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all', ...spec.argv],
        ],
        files: {},
      };
    },
  };
}

/**
 * Bubblewrap's own tmpfs has no limit on files and lets programs run from it, so /tmp is mounted here,
 * in a mount namespace of its own. The room is also the first to go when memory is short. Bubblewrap looks
 * itself up in /proc, by its number in the new pid namespace, so /proc has to be that namespace's; where a
 * container's is masked the kernel refuses another, and bubblewrap then says whether it can do without.
 */
const PREPARE = [
  'echo 1000 >/proc/self/oom_score_adj',
  '"$1" -n -t proc proc /proc 2>/dev/null',
  '"$1" -n -t tmpfs -o "$2" tmpfs "$3" || exit 125',
  'shift 3',
  // Not exec: what bubblewrap cannot say is that it was killed. The line stays unsaid when we are.
  '"$@" 4>&-',
  'status=$?',
  'echo done >&4',
  'exit $status',
].join('; ');

function bwrapArgs(spec: RoomSpec, skeleton: Skeleton): string[] {
  return [
    ...NAMESPACES,
    '--disable-userns',
    '--die-with-parent',
    '--new-session',
    ...['--uid', '1000', '--gid', '1000', '--hostname', 'room'],
    ...['--cap-drop', 'ALL'],
    ...['--ro-bind', skeleton.room, '/'],
    ...['--ro-bind', spec.caseDir, ROOM.case],
    ...['--ro-bind', spec.ruleDir, ROOM.rule],
    ...['--bind', skeleton.mountpoint, '/tmp'],
    // No --dev and no --proc: a room with no /proc has nothing to leak or tune.
    ...['--dev-bind', '/dev/null', '/dev/null'],
    ...['--chdir', spec.cwd],
    '--clearenv',
    ...Object.entries(ROOM_ENV).flatMap(([name, value]) => ['--setenv', name, value]),
    '--',
  ];
}
