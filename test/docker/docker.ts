/** The Docker command line, as far as the suite needs it. Reads DOCKER_HOST as docker itself does. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const DEFAULT_SOCKET = '/var/run/docker.sock';

export interface DockerResult {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export function docker(args: readonly string[], timeoutMs = 60_000): DockerResult {
  const run = spawnSync('docker', args, { encoding: 'utf8', timeout: timeoutMs });
  const stderr = run.error === undefined ? run.stderr : run.error.message;
  return { ok: run.status === 0, stdout: run.stdout?.trim() ?? '', stderr: stderr.trim() };
}

/** The same while this process goes on, for commands that talk to it. */
export function dockerMeanwhile(args: readonly string[], timeoutMs = 60_000): Promise<DockerResult> {
  return new Promise((resolve) => {
    execFile('docker', args, { encoding: 'utf8', timeout: timeoutMs }, (error, stdout, stderr) => {
      resolve({ ok: error === null, stdout: stdout.trim(), stderr: stderr.trim() });
    });
  });
}

/** Where the engine listens, as `unix://…`, or why there is none. */
export function findEngine(): { readonly socket: string } | { readonly problem: string } {
  const socket = process.env.DOCKER_HOST ?? `unix://${DEFAULT_SOCKET}`;
  if (!socket.startsWith('unix://')) return { problem: `DOCKER_HOST is ${socket}, not a unix socket` };
  if (!existsSync(socket.slice('unix://'.length))) return { problem: `nothing at ${socket}` };
  const { ok, stderr } = docker(['version', '--format', '{{.Server.Version}}']);
  return ok ? { socket } : { problem: `no engine answers at ${socket}: ${stderr.split('\n')[0]}` };
}

/** The first of these images that is there or can be pulled. */
export function findImage(candidates: readonly string[]): string | undefined {
  const here = candidates.find((image) => docker(['image', 'inspect', image]).ok);
  return here ?? candidates.find((image) => docker(['pull', image], 300_000).ok);
}

/** Does the engine's own seccomp filter apply? It blocks `unshare`, so no room can be built behind it. */
export function filtersSyscalls(): boolean {
  return /name=seccomp,profile=(default|builtin)/.test(
    docker(['info', '--format', '{{.SecurityOptions}}']).stdout,
  );
}

/** Ids of all containers made from an image, ended ones too. */
export function containersOf(image: string): string[] {
  const { ok, stdout, stderr } = docker([
    'ps',
    '--all',
    '--quiet',
    '--no-trunc',
    '--filter',
    `ancestor=${image}`,
  ]);
  if (!ok) throw new Error(`docker ps failed: ${stderr}`);
  return stdout.split('\n').filter(Boolean);
}
