/** `npm run test:restore`: the restore drill of docs/operations.md on a local stack. Takes one to three minutes. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endWithParent } from '../../dev/end-with-parent.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

endWithParent();

const args = ['run', '--config', 'test/restore/vitest.config.ts', ...process.argv.slice(2)];
const run = spawnSync(process.execPath, [`${ROOT}/node_modules/vitest/vitest.mjs`, ...args], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = run.status ?? 1;
