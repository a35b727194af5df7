/**
 * `npm run test:taskless`: the unmodified Taskless client against the whole service on this machine. Takes a few
 * minutes, because the client asks every 15 s. Says why when there is no client, and then tests nothing.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithParent } from '../../dev/end-with-parent.ts';
import { buildClient } from './client-build.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, 'node_modules', '.cache', 'assay-taskless');

endWithParent();

const client = buildClient(process.env.TASKLESS_CLI, CACHE);
if ('problem' in client) {
  process.stdout.write(
    `skipped: no Taskless client: ${client.problem}\nset TASKLESS_CLI to a checkout, or to what "git clone" takes\n`,
  );
} else {
  process.stdout.write(`Taskless client: ${client.file}\n`);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', 'test/taskless/vitest.config.ts', ...process.argv.slice(2)];
  const env = { ...process.env, ASSAY_TASKLESS_CLIENT: client.file };
  process.exitCode = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env }).status ?? 1;
}
