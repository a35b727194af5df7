/**
 * Chooses the jail at start: bubblewrap where it works, else util-linux with user namespaces, else
 * util-linux as root. "Works" means a trial room ran node and ast-grep; nothing is assumed from the
 * presence of a file. When nothing works, says what is missing and what would help, unless the degraded
 * room was asked for, whose answers are never accepted.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECK_ROOM, MAX_CONSOLE_BYTES, MAX_OUTPUT_BYTES, SELF_TEST_TIMEOUT_MS } from '../limits.ts';
import { randomName } from '../temp.ts';
import { messageOf } from '../text.ts';
import { bubblewrapJail } from './bubblewrap.ts';
import { type Jail, ROOM } from './jail.ts';
import { processJail } from './process.ts';
import { runRoom } from './run.ts';
import { buildSkeleton, type Skeleton } from './skeleton.ts';
import { findTools, type Tools } from './tools.ts';
import { utilLinuxJail } from './util-linux.ts';

/** Which form to use; `auto` tries them in order, `process` only where it is allowed to. */
export const JAIL_CHOICES = [
  'auto',
  'bubblewrap',
  'util-linux',
  'util-linux-outer-proc',
  'util-linux-root',
  'process',
] as const;
export type JailChoice = (typeof JAIL_CHOICES)[number];

export class NoJail extends Error {
  override readonly name = 'NoJail';
}

export interface JailInput {
  readonly hostDir: string;
  readonly sourceDir: string;
  readonly node: string;
  readonly astGrep: string;
  readonly choice: JailChoice;
  /** `auto` may end up with the degraded room. */
  readonly degradedAllowed?: boolean;
}

export interface FoundJail {
  readonly jail: Jail;
  readonly skeleton: Skeleton;
  readonly tools: Tools;
  readonly astGrepVersion: string;
}

export async function findJail(input: JailInput): Promise<FoundJail> {
  if (process.platform !== 'linux') {
    throw new NoJail(`rooms are built from Linux namespaces; this is ${process.platform}. Needs Linux.`);
  }
  const tools = findTools();
  if (!('sh' in tools)) {
    throw new NoJail(`missing programs: ${tools.join(', ')}. Install util-linux: apt-get install util-linux`);
  }
  const skeleton = buildSkeleton({ ...input, tools });
  const reasons: string[] = [];
  for (const candidate of candidates(input, skeleton, tools, reasons)) {
    const trial = await tryJail(candidate.jail, input.hostDir);
    if ('version' in trial) return { jail: candidate.jail, skeleton, tools, astGrepVersion: trial.version };
    reasons.push(`${candidate.name}: ${trial.problem}`);
  }
  throw new NoJail(refusal(reasons));
}

interface Candidate {
  readonly name: Exclude<JailChoice, 'auto'>;
  readonly jail: Jail;
}

function candidates(input: JailInput, skeleton: Skeleton, tools: Tools, reasons: string[]): Candidate[] {
  const asRoot = process.getuid?.() === 0;
  const mayMount = asRoot && hasCapability(CAP_SYS_ADMIN);
  const all: Candidate[] = [];
  const add = (name: Candidate['name'], jail: Jail): void => {
    if (input.choice === 'auto' || input.choice === name) all.push({ name, jail });
  };
  if (tools.bwrap === undefined) reasons.push('bubblewrap: not installed');
  else add('bubblewrap', bubblewrapJail(skeleton, tools, tools.bwrap, { asRoot, mayMount }));
  const withUserNamespaces = { userNamespaces: true, asRoot };
  add('util-linux', utilLinuxJail(skeleton, tools, withUserNamespaces));
  add('util-linux-outer-proc', utilLinuxJail(skeleton, tools, { ...withUserNamespaces, outerProc: true }));
  if (mayMount) add('util-linux-root', utilLinuxJail(skeleton, tools, { userNamespaces: false, asRoot }));
  else reasons.push(`util-linux-root: ${asRoot ? 'no CAP_SYS_ADMIN' : 'not started as root'}`);
  if (input.choice === 'process' || input.degradedAllowed) {
    const { chroot, env } = tools;
    if (!asRoot || !chroot || !env) reasons.push('process: needs root, chroot and env');
    else add('process', processJail(skeleton, tools, { chroot, env }));
  }
  return all;
}

/** Bit in the capability sets of Linux. */
const CAP_SYS_ADMIN = 21n;

function hasCapability(bit: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) & (1n << bit)) !== 0n;
}

function refusal(reasons: readonly string[]): string {
  return [
    'no jail can be built on this machine, and checks are never run without one.',
    ...reasons.map((reason) => `  - ${reason}`),
    'Any one of these helps:',
    '  - apt-get install bubblewrap, with user namespaces allowed for unprivileged users',
    '    (sysctl user.max_user_namespaces > 0; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)',
    '  - in Docker: --security-opt seccomp=unconfined (and apparmor=unconfined where AppArmor is on), which',
    '    allows user namespaces; nothing else is needed',
    '  - start the host as root with CAP_SYS_ADMIN, so that unshare, mount and pivot_root work',
    'For a look without any isolation worth the name: --jail process. Its answers are never accepted.',
  ].join('\n');
}

async function tryJail(
  jail: Jail,
  hostDir: string,
): Promise<{ readonly version: string } | { readonly problem: string }> {
  const dir = join(hostDir, randomName());
  mkdirSync(dir, { mode: 0o755 });
  const run = (argv: readonly string[]) =>
    runRoom(
      jail,
      { argv, cwd: ROOM.case, caseDir: dir, ruleDir: dir, limits: CHECK_ROOM },
      {
        timeoutMs: SELF_TEST_TIMEOUT_MS,
        signal: new AbortController().signal,
        maxOutputBytes: MAX_OUTPUT_BYTES,
        keepBytes: MAX_CONSOLE_BYTES,
        keepStdout: true,
      },
    );
  try {
    const node = await run([ROOM.node, '--version']);
    if (node.code !== 0)
      return { problem: firstLine(node.failure ?? node.stderr) || 'node does not run in it' };
    const scan = await run([ROOM.astGrep, '--version']);
    const version = /^ast-grep (\S+)/.exec(scan.stdout)?.[1];
    if (scan.code !== 0 || version === undefined) {
      return { problem: firstLine(scan.failure ?? scan.stderr) || 'ast-grep does not run in it' };
    }
    return { version };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
