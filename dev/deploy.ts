/**
 * `npm run deploy`: deploys the isolate Worker and the main Worker, each with the digest of the hosts whose
 * answers count, so that an answer of any other build, an older image in a rollout for example, never does.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sourceDigest } from '../container/build.ts';
import { isolateBuild } from '../isolate/local/build.ts';

const rooms = sourceDigest(fileURLToPath(new URL('../container', import.meta.url)));
const isolates = isolateBuild().id;
const given = process.argv.slice(2);

process.stderr.write(`deploying for verification host ${rooms} and isolate host ${isolates}\n`);
// First the one the other is bound to.
wrangler(['--config', 'wrangler.isolate.jsonc', '--var', `BUILD_ID:${isolates}`]);
wrangler([
  '--containers-rollout=immediate',
  ...['--var', `SANDBOX_BUILD_ID:${rooms}`, '--var', `ISOLATE_BUILD_ID:${isolates}`],
]);

function wrangler(args: readonly string[]): void {
  const { status } = spawnSync('wrangler', ['deploy', ...args, ...given], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
