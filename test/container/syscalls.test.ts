/**
 * System calls made from inside a room, with no permission layer of node's in front: what the kernel itself
 * refuses. Perl makes them, laid into the room for this test alone; a room has nothing that could.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FoundJail, findJail, type JailChoice } from '../../container/jail/detect.ts';
import { runRoom } from '../../container/jail/run.ts';
import { CHECK_ROOM } from '../../container/limits.ts';
import { makeHostDir } from '../../container/temp.ts';
import { AST_GREP, jailForms, NODE, ROOT } from './support.ts';

const PERL = '/usr/bin/perl';
/** The numbers below are those of this architecture. */
const possible = process.arch === 'x64' && existsSync(PERL);
if (!possible) console.warn('system call tests are skipped: they need x64 and perl');

/** Name, number, arguments as perl text, and the errors that are refusals. */
type Call = readonly [name: string, number: number, args: string, errors: RegExp];

const NEW = { user: 0x10000000, net: 0x40000000, mount: 0x00020000, pid: 0x20000000 } as const;
/** Without the right, or with a limit of none on how many there may be. */
const NO_NAMESPACE = /^(?:EPERM|ENOSPC)$/;
const CALLS: readonly Call[] = [
  ['mount', 165, '"none", "/tmp", "tmpfs", 0, ""', /^EPERM$/],
  ['remount of the case', 165, '"", "/case", "", 0x1020, ""', /^EPERM$/],
  ['umount', 166, '"/case", 2', /^EPERM$/],
  ['pivot_root', 155, '"/tmp", "/tmp"', /^EPERM$/],
  ['chroot', 161, '"/tmp"', /^EPERM$/],
  ['open_tree', 428, '-100, "/case", 1', /^(?:EPERM|ENOSYS)$/],
  ['unshare: user', 272, String(NEW.user), NO_NAMESPACE],
  ['unshare: network', 272, String(NEW.net), /^EPERM$/],
  ['unshare: mounts', 272, String(NEW.mount), /^EPERM$/],
  ['unshare: user and all', 272, String(NEW.user | NEW.net | NEW.mount | NEW.pid), NO_NAMESPACE],
  ['clone: user', 56, `${NEW.user | 17}, 0, 0, 0, 0`, NO_NAMESPACE],
  ['ptrace of the first process', 101, '16, 1, 0, 0', /^(?:EPERM|ESRCH)$/],
  ['reading its memory', 310, '1, $iov, 1, $iov, 1, 0', /^(?:EPERM|ESRCH|EFAULT)$/],
  ['setuid', 105, '0', /^(?:EPERM|EINVAL)$/],
  ['setgid', 106, '0', /^(?:EPERM|EINVAL)$/],
  ['setgroups', 116, '0, 0', /^EPERM$/],
  ['more processes', 302, '0, 6, pack("QQ", 100000, 100000), 0', /^EPERM$/],
  ['more memory', 302, '0, 2, pack("QQ", 1 << 40, 1 << 40), 0', /^EPERM$/],
  ['more descriptors', 302, '0, 7, pack("QQ", 100000, 100000), 0', /^EPERM$/],
  ['larger files', 302, '0, 1, pack("QQ", 1 << 40, 1 << 40), 0', /^EPERM$/],
  ['a core file', 302, '0, 4, pack("QQ", 1 << 30, 1 << 30), 0', /^EPERM$/],
  ['a block device', 133, '"/tmp/disk", 0x6000 | 0666, 8 << 8', /^EPERM$/],
  ['a character device', 133, '"/tmp/memory", 0x2000 | 0666, (1 << 8) | 1', /^EPERM$/],
  ['open_by_handle_at', 304, '3, pack("Li", 0, 0), 0', /^(?:EPERM|EINVAL|EBADF)$/],
  ['a raw socket', 41, '2, 3, 1', /^EPERM$/],
  ['a packet socket', 41, '17, 3, 768', /^EPERM$/],
  ['bringing an interface up', 16, '$socket, 0x8914, pack("a16 s x22", "lo", 1)', /^EPERM$/],
  ['loading a module', 175, '"", 0, ""', /^(?:EPERM|ENOSYS)$/],
  ['kexec', 246, '0, 0, 0, 0', /^(?:EPERM|ENOSYS)$/],
  ['reboot', 169, '0xfee1dead, 672274793, 0, 0', /^EPERM$/],
  ['the clock', 227, '0, pack("QQ", 1, 0)', /^EPERM$/],
  ['the host name', 170, '"x", 1', /^EPERM$/],
  ['swap', 167, '"/tmp/swap", 0', /^EPERM$/],
  ['accounting', 163, '"/tmp/x"', /^(?:EPERM|ENOSYS)$/],
  ['I/O ports', 172, '3', /^(?:EPERM|ENOSYS)$/],
  ['more priority', 141, '0, 0, -10', /^(?:EACCES|EPERM)$/],
  ['capabilities', 126, 'pack("Li", 0x20080522, 0), pack("L6", ~0, ~0, 0, ~0, ~0, 0)', /^EPERM$/],
  ['forgetting no_new_privs', 157, '38, 0, 0, 0, 0', /^EINVAL$/],
];

/** Each in a child of its own, so that one that succeeds spoils nothing for the others. */
const script = (calls: readonly Call[]): string => `
use strict; use Errno; use Socket;
$| = 1;
socket(my $own, AF_INET, SOCK_DGRAM, 0);
my $socket = fileno($own);
my $memory = "x" x 16;
my $iov = pack("PQ", $memory, 16);
sub attempt { my ($name, @call) = @_;
  my $result = syscall(shift(@call), @call);
  my $code = $! + 0;
  my ($error) = $result < 0 ? grep { exists $!{$_} && Errno->can($_)->() == $code } keys %! : ("done");
  print "$name: $error\\n"; }
${calls.map(([name, number, args]) => `attempt("${name}", ${number}, ${args});`).join('\n')}
`;

describe.skipIf(!possible).each(jailForms())('system calls in a room of %s', (form) => {
  let hostDir: string;
  let dir: string;
  let found: FoundJail;

  beforeAll(async () => {
    hostDir = makeHostDir();
    dir = join(hostDir, 'empty');
    mkdirSync(dir);
    const input = { hostDir, sourceDir: join(ROOT, 'container'), node: NODE, astGrep: AST_GREP };
    found = await findJail({ ...input, choice: form as JailChoice });
    layPerl(found.skeleton.room);
  });
  afterAll(() => rmSync(hostDir, { recursive: true, force: true }));

  const perl = async (text: string): Promise<string> => {
    const exit = await runRoom(
      found.jail,
      { argv: ['/bin/perl', '-e', text], cwd: '/', caseDir: dir, ruleDir: dir, limits: CHECK_ROOM },
      {
        timeoutMs: 10_000,
        signal: new AbortController().signal,
        maxOutputBytes: 1 << 20,
        keepBytes: 1 << 16,
        keepStdout: true,
      },
    );
    expect(exit.failure, exit.stderr).toBeUndefined();
    return exit.stdout;
  };

  it.each(CALLS)('refused: %s', async (name, number, args, errors) => {
    const said = (await perl(script([[name, number, args, errors]]))).trim();
    expect(said.slice(0, name.length)).toBe(name);
    expect(said.slice(name.length + 2)).toMatch(errors);
  });

  it('lets nothing pass from one room to the next through the kernel', async () => {
    // Keys, message queues and shared memory live in the kernel, not in a process.
    const call = 'sub call { my @call = @_; syscall(shift(@call), @call) >= 0 ? "yes" : "no" }';
    const leave = `${call} print join(" ", call(248, "user", "assay-left", "left", 4, -4),
      call(68, 4711, 01666), call(29, 4712, 4096, 01666));`;
    const look = `${call} print join(" ", call(249, "user", "assay-left", 0, 0),
      call(68, 4711, 0), call(29, 4712, 0, 0));`;
    expect(await perl(leave)).toBe('yes yes yes');
    expect(await perl(look)).toBe('no no no');
  });

  it('makes FIFOs only in its own folder', async () => {
    const text = `use POSIX; print join(" ", map { POSIX::mkfifo($_, 0666) ? "made" : "refused" }
      "/tmp/fifo", "/case/fifo", "/rule/fifo", "/fifo", "/dev/fifo"), "\\n";`;
    expect((await perl(text)).trim()).toBe('made refused refused refused refused');
  });
});

/** With the libraries it is linked to and the few modules it loads, where it looks for them. */
function layPerl(room: string): void {
  const lay = (from: string, to = from): void => {
    const target = join(room, to);
    if (existsSync(target)) return;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(from, target);
    chmodSync(target, 0o755);
  };
  lay(PERL, '/bin/perl');
  const libraries = execFileSync('ldd', [PERL], { encoding: 'utf8' });
  for (const [, path = ''] of libraries.matchAll(/(\/[^\s()]+) \(0x/g)) lay(path);
  const loaded = 'use strict; use Errno; use Socket; use POSIX; print join("\\n", values %INC)';
  for (const path of execFileSync(PERL, ['-e', loaded], { encoding: 'utf8' }).split('\n')) lay(path);
  const objects =
    'require DynaLoader; require Socket; require POSIX; print join("\\n", @DynaLoader::dl_shared_objects)';
  for (const path of execFileSync(PERL, ['-e', objects], { encoding: 'utf8' }).split('\n')) lay(path);
}
