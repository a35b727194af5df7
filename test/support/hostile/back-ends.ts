/**
 * The back ends of this machine, each a program that speaks `POST /verify`. One that cannot run here is
 * still listed, with the reason, so that the matrix never leaves a column out silently.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { descendants } from '../../../container/jail/proc.ts';
import { HAS_BWRAP, IS_ROOT, MAIN, NODE, ROOT } from '../../container/support.ts';
import { COLUMNS, type Column, type Kind } from './names.ts';

export interface RunningBackEnd {
  readonly url: string;
  readonly buildId: string;
  readonly token: string;
  /** Of the process all others of it descend from; undefined where they are out of our sight. */
  readonly pid: number | undefined;
  /** Its own temporary directory, empty before it started; undefined where it is out of our sight. */
  readonly tempDir: string | undefined;
  log(): string;
  stop(): Promise<void>;
}

export interface CorpusBackEnd {
  readonly column: Column;
  readonly kind: Kind;
  /** Why it cannot run here. */
  readonly unavailable: string | undefined;
  /** False where nothing enforces time and memory, so that `runaway` attacks would never end. */
  readonly endsRunaways: boolean;
  /** @param env what an attack must not come to see */
  start(env: Readonly<Record<string, string>>): Promise<RunningBackEnd>;
}

interface Form {
  readonly column: Column;
  readonly command: readonly string[];
  readonly unavailable: string | undefined;
  readonly endsRunaways?: boolean;
}

const ISOLATE = join(ROOT, 'isolate/main.ts');
const LOADER = join(import.meta.dirname, 'loader-host.ts');
const noRoot = IS_ROOT ? undefined : 'not root';
const noBwrap = HAS_BWRAP ? undefined : 'bwrap is not installed';
const noIsolate = existsSync(ISOLATE) ? undefined : 'isolate/main.ts is not there';

const FORMS: readonly Form[] = [
  // With rooms made ready, as a host starts by itself, and with rooms built for each case.
  { column: 'util-linux', command: [MAIN, '--jail', 'util-linux'], unavailable: undefined },
  {
    column: 'util-linux-root',
    command: [MAIN, '--jail', 'util-linux-root', '--ready-rooms', '0'],
    unavailable: noRoot,
  },
  { column: 'bubblewrap', command: [MAIN, '--jail', 'bubblewrap'], unavailable: noBwrap },
  { column: 'workerd', command: [ISOLATE], unavailable: noIsolate },
  // Nothing ends a runaway there on this machine.
  { column: 'loader', command: [LOADER], unavailable: noIsolate, endsRunaways: false },
];

/** In Docker, only when asked for: building its image takes minutes. Its processes and files are out of sight. */
const CONTAINER: CorpusBackEnd = {
  column: 'container',
  kind: 'container',
  unavailable:
    process.env.ASSAY_TEST_CONTAINER === '1' ? undefined : 'set ASSAY_TEST_CONTAINER=1, with a Docker engine',
  endsRunaways: true,
  async start() {
    const { startContainerHost } = await import('../../../cli/container-host.ts');
    const { url, buildId, token = '', stop } = await startContainerHost();
    return { url, buildId, token, pid: undefined, tempDir: undefined, log: () => '', stop };
  },
};

export function corpusBackEnds(): CorpusBackEnd[] {
  const programs = FORMS.map(({ column, command, unavailable, endsRunaways = true }) => ({
    column,
    kind: COLUMNS[column],
    unavailable,
    endsRunaways,
    start: (env: Parameters<CorpusBackEnd['start']>[0]) => startProgram(command, env),
  }));
  return [...programs, CONTAINER];
}

/** A back end ends in less than a second; one that is stuck never does. */
const STOP_TIMEOUT_MS = 15_000;

/** The program and all that it started, which may not end with it. */
function killTree(root: number | undefined): void {
  for (const pid of root === undefined ? [] : [...descendants(root), root]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone meanwhile.
    }
  }
}

async function startProgram(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunningBackEnd> {
  const tempDir = mkdtempSync(join(tmpdir(), 'assay-corpus-'));
  // Rooms are built by uids of their own, which must be able to pass through.
  chmodSync(tempDir, 0o711);
  const token = randomBytes(24).toString('base64url');
  const child = spawn(NODE, [...command, '--exit-with-stdin'], {
    stdio: 'pipe',
    env: { ...process.env, ...env, TMPDIR: tempDir, ASSAY_HOST_TOKEN: token },
  });
  let log = '';
  child.stderr.on('data', (part) => {
    log += part;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    ended.then((code) => reject(new Error(`${command.join(' ')} ended with ${code}: ${log}`)));
  });
  const { listening, build } = JSON.parse(line) as { listening: string; build: string };
  return {
    url: listening,
    buildId: build,
    token,
    pid: child.pid,
    tempDir,
    log: () => log,
    async stop() {
      child.stdin.end();
      const timer = setTimeout(() => killTree(child.pid), STOP_TIMEOUT_MS);
      const code = await ended;
      clearTimeout(timer);
      rmSync(tempDir, { recursive: true, force: true });
      if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${log}`);
    },
  };
}
