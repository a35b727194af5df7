/**
 * `npm run deploy`: deploys the Worker together with the digest of the verification host it belongs to, so
 * that an answer of any other build, an older image in a rollout for example, never counts.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sourceDigest } from '../container/build.ts';

const build = sourceDigest(fileURLToPath(new URL('../container', import.meta.url)));
const args = [
  'deploy',
  '--containers-rollout=immediate',
  '--var',
  `SANDBOX_BUILD_ID:${build}`,
  ...process.argv.slice(2),
];
process.stderr.write(`deploying for verification host ${build}\n`);
process.exit(spawnSync('wrangler', args, { stdio: 'inherit' }).status ?? 1);
