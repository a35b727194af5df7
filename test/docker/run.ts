/**
 * `npm run test:docker`: the container back end against a real Docker engine. Finds an engine and base images,
 * builds the image of this checkout from our Dockerfile, then runs the tests of this folder. Where that cannot be
 * done it says why, how to get there, and ends with 0: nothing was tested and nothing failed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sourceDigest } from '../../container/build.ts';
import { endWithParent } from '../../dev/end-with-parent.ts';
import { docker, findEngine, findImage } from './docker.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOCAL_NODE = 'assay-node:local';
const LOCAL_SIDECAR = 'assay-sidecar:local';
/** What wrangler would pull; a digest may follow in its own source. */
const SIDECAR = 'cloudflare/proxy-everything:3cb1195';
const IMAGE = 'assay-host:docker-suite';
const HOW = `how to get there:
  an engine:   start Docker, or by hand: sudo test/docker/engine.sh start DIR, then everything through
               sudo test/docker/engine.sh run DIR COMMAND (add a seccomp profile that allows all to see real rooms)
  base images: docker pull, or from Debian packages and npm: test/docker/base-image.sh ${LOCAL_NODE} ${LOCAL_SIDECAR}
`;

endWithParent();

function skip(reason: string): never {
  process.stdout.write(`${HOW}skipped: ${reason}\n`);
  process.exit(0);
}

const engine = findEngine();
if ('problem' in engine) skip(engine.problem);
const official = /^ARG NODE_IMAGE=(\S+)/m.exec(readFileSync(`${ROOT}/Dockerfile`, 'utf8'))?.[1];
if (official === undefined) throw new Error('the Dockerfile names no NODE_IMAGE');
const base = findImage([LOCAL_NODE, official]);
if (base === undefined) skip(`neither ${LOCAL_NODE} is there nor can ${official} be pulled`);
const sidecar = findImage([process.env.MINIFLARE_CONTAINER_EGRESS_IMAGE ?? LOCAL_SIDECAR, SIDECAR]);
if (sidecar === undefined) skip(`neither ${LOCAL_SIDECAR} is there nor can ${SIDECAR} be pulled`);

const buildId = sourceDigest(`${ROOT}/container`);
process.stdout.write(`engine ${engine.socket}, base ${base}, sidecar ${sidecar}, build ${buildId}\n`);
const args = ['--build-arg', `NODE_IMAGE=${base}`, '--build-arg', `BUILD_ID=${buildId}`, '--tag', IMAGE];
const built = docker(['build', ...args, ROOT], 900_000);
if (!built.ok) {
  process.stderr.write(
    `${built.stdout.slice(-4_000)}\n${built.stderr.slice(-4_000)}\nthe image was not built (a base made before the lockfile changed lacks packages: make it again)\n`,
  );
  process.exit(1);
}
const run = spawnSync(
  process.execPath,
  [
    `${ROOT}/node_modules/vitest/vitest.mjs`,
    'run',
    '--config',
    'test/docker/vitest.config.ts',
    ...process.argv.slice(2),
  ],
  {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      DOCKER_HOST: engine.socket,
      ASSAY_NODE_IMAGE: base,
      ASSAY_SUITE_IMAGE: IMAGE,
      ASSAY_SUITE_SIDECAR: sidecar,
      ASSAY_SUITE_BUILD: buildId,
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    },
  },
);
process.exit(run.status ?? 1);
