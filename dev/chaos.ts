/**
 * `npm run chaos`: the chaos tests at length, hosts of rooms first, then hosts of isolates. How many
 * verifications each: the first argument, 200 when absent. `CHAOS_SEED` repeats a run.
 */
import { spawnSync } from 'node:child_process';
import { endWithParent } from './end-with-parent.ts';

endWithParent();

const verifications = process.argv[2] ?? '200';
if (!/^[1-9][0-9]{0,4}$/.test(verifications)) {
  process.stderr.write('usage: npm run chaos [-- <verifications>]\n');
  process.exit(2);
}
for (const project of ['container', 'isolate']) {
  const args = ['run', '--project', project, `test/${project}/chaos.test.ts`];
  const env = { ...process.env, CHAOS_VERIFICATIONS: verifications };
  const { status } = spawnSync('vitest', args, { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
