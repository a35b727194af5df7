/**
 * `npm test`: lint, types, then every vitest project, in two runs side by side: one waits for processes
 * while the other computes, which takes two thirds of the time on two cores. Arguments go to vitest, and with
 * arguments only vitest runs, once: `npm test -- --project unit`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { endWithParent } from './end-with-parent.ts';

endWithParent();

/** Nothing is reported to anyone, and no name is looked up. */
const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' };
/** Of about the same length. Within each, one file at a time where files start processes. */
const SIDES = [
  ['unit', 'worker', 'container'],
  ['cli', 'isolate', 'e2e'],
];

const args = process.argv.slice(2);
if (args.length > 0) run(['vitest', 'run', ...args]);
else {
  run(['biome', 'check', '--error-on-warnings', '.']);
  run(['npm', 'run', '--silent', 'typecheck']);
  const codes = await Promise.all(SIDES.map(runSide));
  process.exit(codes.find((code) => code !== 0) ?? 0);
}

function run([command = '', ...rest]: string[]): void {
  const { status } = spawnSync(command, rest, { stdio: 'inherit', env });
  if (status === 0) return;
  process.stderr.write(`assay: ${[command, ...rest].join(' ')} failed\n`);
  process.exit(status ?? 1);
}

/** The first is shown as it goes; what the others print is kept until they end. */
async function runSide(projects: readonly string[], index: number): Promise<number> {
  const command = ['run', ...projects.flatMap((name) => ['--project', name])];
  const child = spawn('vitest', command, {
    env,
    stdio: ['ignore', index === 0 ? 'inherit' : 'pipe', 'pipe'],
  });
  process.once('SIGTERM', () => child.kill('SIGTERM'));
  const kept: Buffer[] = [];
  child.stdout?.on('data', (part: Buffer) => kept.push(part));
  child.stderr?.on('data', (part: Buffer) => (index === 0 ? process.stderr.write(part) : kept.push(part)));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  process.stdout.write(Buffer.concat(kept));
  if (code !== 0) process.stderr.write(`assay: vitest ${command.join(' ')} failed\n`);
  return code;
}
