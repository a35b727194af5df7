/**
 * `npm test`: lint, types, then every vitest project. Arguments go to vitest, and with arguments only
 * vitest runs: `npm test -- --project unit`.
 */
import { spawnSync } from 'node:child_process';
import { endWithParent } from './end-with-parent.ts';

endWithParent();

const args = process.argv.slice(2);
const before: string[][] =
  args.length > 0
    ? []
    : [
        ['biome', 'check', '--error-on-warnings', '.'],
        ...['worker', 'container', 'isolate', 'isolate-worker', 'node', 'worker-test'].map((name) => [
          'tsc',
          '-p',
          `tsconfig.${name}.json`,
        ]),
      ];

for (const [command = '', ...rest] of [...before, ['vitest', 'run', ...args]]) {
  const run = spawnSync(command, rest, {
    stdio: 'inherit',
    // Nothing is reported to anyone, and no name is looked up.
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  });
  if (run.status !== 0) {
    process.stderr.write(`assay: ${[command, ...rest].join(' ')} failed\n`);
    process.exit(run.status ?? 1);
  }
}
