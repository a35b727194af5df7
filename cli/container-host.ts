/**
 * The verification host of this checkout in a Docker container, for one command. Its life hangs on our stdin
 * pipe: when this process dies, even by SIGKILL, the host sees the pipe close and the engine removes it.
 *
 * What rooms need beyond Docker's defaults is `seccomp=unconfined` (and AppArmor's, where it is on), because the
 * default filter blocks `unshare`. Of capabilities they need three: to give each room a uid, a gid, and its end.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { sourceDigest } from '../container/build.ts';
import { BUILD_HEADER } from '../container/protocol.ts';
import { UsageError } from './exit.ts';
import type { VerificationHost } from './verification-host.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PORT = 8080;
const START_TIMEOUT_MS = 45_000;
const STOP_TIMEOUT_MS = 10_000;
const COMMAND_TIMEOUT_MS = 30_000;
/** A first build downloads the base image and npm packages. */
const BUILD_TIMEOUT_MS = 900_000;
const KEPT_ERROR_CHARS = 4_000;
/** Node and ast-grep are copied into the rooms' root, which takes 250 MB of this. */
const SCRATCH = '/tmp:rw,exec,nosuid,nodev,size=512m';

const RUN_OPTIONS = [
  ...['--rm', '--interactive', '--read-only', '--tmpfs', SCRATCH],
  ...['--cap-drop', 'ALL', '--cap-add', 'SETUID', '--cap-add', 'SETGID', '--cap-add', 'KILL'],
  ...['--security-opt', 'no-new-privileges', '--security-opt', 'seccomp=unconfined'],
  ...['--security-opt', 'apparmor=unconfined'],
  ...['--memory', '2g', '--pids-limit', '1024'],
  ...['--publish', `127.0.0.1:0:${PORT}`, '--env', 'ASSAY_HOST_TOKEN'],
];

/** @throws UsageError NO_DOCKER | NO_IMAGE | SANDBOX_UNAVAILABLE, each with the next move */
export async function startContainerHost(): Promise<VerificationHost> {
  const engine = docker(['version', '--format', '{{.Server.Version}}']);
  if (!engine.ok) {
    throw new UsageError(
      'NO_DOCKER',
      `no Docker engine answers: ${engine.stderr.split('\n')[0]}`,
      'start Docker, set DOCKER_HOST, or use --sandbox host',
    );
  }
  const buildId = sourceDigest(`${ROOT}/container`);
  const image = findOrBuild(buildId);
  const name = `assay-host-${randomBytes(8).toString('hex')}`;
  const token = randomBytes(24).toString('hex');
  const child = spawn('docker', ['run', '--name', name, ...RUN_OPTIONS, image, '--exit-with-stdin'], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, ASSAY_HOST_TOKEN: token },
    // A Ctrl-C in the terminal is for us; we stop the container ourselves.
    detached: true,
  });
  const stop = (): Promise<void> => end(child, name);
  try {
    const url = await ready(child, name, { token, buildId });
    return { url, token, buildId, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function findOrBuild(buildId: string): string {
  // One tag for each state of the host's sources, so that an image is never older than this checkout.
  const image = `assay-host:${buildId.slice('sha256:'.length, 'sha256:'.length + 16)}`;
  if (docker(['image', 'inspect', image]).ok) return image;
  process.stderr.write('building the image of the verification host, once for this version…\n');
  const base = process.env.ASSAY_NODE_IMAGE;
  const args = ['--build-arg', `BUILD_ID=${buildId}`, ...(base ? ['--build-arg', `NODE_IMAGE=${base}`] : [])];
  const built = docker(['build', '--tag', image, ...args, ROOT], BUILD_TIMEOUT_MS);
  if (built.ok) return image;
  throw new UsageError(
    'NO_IMAGE',
    `the image could not be built: ${built.stderr.slice(-KEPT_ERROR_CHARS)}`,
    'the base image must be reachable, or name one with Node and Debian 12 in ASSAY_NODE_IMAGE',
  );
}

async function ready(
  child: ChildProcess,
  name: string,
  expected: { readonly token: string; readonly buildId: string },
): Promise<string> {
  let errors = '';
  let ended = false;
  child.stderr?.on('data', (part: Buffer) => {
    errors = (errors + part.toString()).slice(-KEPT_ERROR_CHARS);
  });
  child.once('error', (error) => {
    ended = true;
    errors += error.message;
  });
  child.once('close', () => {
    ended = true;
  });
  child.stdin?.on('error', () => {});
  for (const until = Date.now() + START_TIMEOUT_MS; Date.now() < until && !ended; await wait(100)) {
    const url = publishedAt(name);
    const build = url && (await healthyBuild(url, expected.token));
    if (!url || !build) continue;
    if (build === expected.buildId) return url;
    throw new UsageError('SANDBOX_UNAVAILABLE', `the container is build ${build}, not of this checkout`);
  }
  const why = ended ? 'ended' : `was not ready within ${START_TIMEOUT_MS} ms`;
  throw new UsageError('SANDBOX_UNAVAILABLE', `the container ${why}`, errors.trim() || undefined);
}

function publishedAt(name: string): string | undefined {
  const address = /^127\.0\.0\.1:\d+$/m.exec(docker(['port', name, `${PORT}/tcp`]).stdout)?.[0];
  return address && `http://${address}`;
}

const health = z.object({ build: z.object({ id: z.string() }) });

async function healthyBuild(url: string, token: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/healthz`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(2_000),
    });
    const body = health.safeParse(await response.json());
    return body.success && response.headers.get(BUILD_HEADER) === body.data.build.id
      ? body.data.build.id
      : undefined;
  } catch {
    return undefined;
  }
}

/** Closes the pipe, which ends the host; what is still there after a while is removed by force. */
async function end(child: ChildProcess, name: string): Promise<void> {
  const closed = new Promise<boolean>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(true);
    child.once('close', () => resolve(true));
    child.once('error', () => resolve(true));
  });
  child.stdin?.end();
  const timer = new AbortController();
  const inTime = await Promise.race([
    closed,
    wait(STOP_TIMEOUT_MS, false, { signal: timer.signal }).catch(() => false),
  ]);
  timer.abort();
  if (!inTime) child.kill('SIGKILL');
  // Says "No such container" when the engine has removed it already, as it should have.
  docker(['rm', '--force', name]);
}

function docker(
  args: readonly string[],
  timeoutMs = COMMAND_TIMEOUT_MS,
): { readonly ok: boolean; readonly stdout: string; readonly stderr: string } {
  const run = spawnSync('docker', args, { encoding: 'utf8', timeout: timeoutMs });
  const stderr = run.error === undefined ? run.stderr : run.error.message;
  return { ok: run.status === 0, stdout: run.stdout ?? '', stderr: stderr.trim() };
}
