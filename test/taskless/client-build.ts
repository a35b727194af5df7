/**
 * The real Taskless client, built: from where `TASKLESS_CLI` says, else from its public repository. Built in a cache
 * below `node_modules`, with its own package manager and lockfile, without install scripts. Says why when it cannot.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REPOSITORY = 'https://github.com/taskless/cli';
const PACKAGE_MANAGER = 'pnpm@10.12.4';
const BUILT = join('packages', 'cli', 'dist', 'index.js');
const STEP_TIMEOUT_MS = 600_000;

export type Client = { readonly file: string } | { readonly problem: string };

/**
 * @param from `index.js` of a build, a checkout with one, or what `git clone` takes
 * @param cache folder that may be deleted at any time
 */
export function buildClient(from: string | undefined, cache: string): Client {
  const source = from ?? REPOSITORY;
  if (source.endsWith('.js') && existsSync(source)) return { file: resolve(source) };
  if (existsSync(join(source, BUILT))) return { file: resolve(source, BUILT) };
  const checkout = join(cache, 'checkout');
  if (existsSync(join(checkout, BUILT))) return { file: join(checkout, BUILT) };
  rmSync(checkout, { recursive: true, force: true });
  const npx = (cwd: string, ...args: string[]) => run('npx', ['-y', ...args], cwd);
  const problem =
    run('git', ['clone', '--quiet', '--depth', '1', source, checkout], '.') ??
    npx(
      checkout,
      PACKAGE_MANAGER,
      'install',
      ...['--filter', '@taskless/cli...', '--ignore-scripts', '--no-frozen-lockfile'],
    ) ??
    run('npx', ['vite', 'build'], join(checkout, 'packages', 'cli'));
  if (problem !== null) return { problem };
  return { file: join(checkout, BUILT) };
}

/** @returns what went wrong, or `null` */
function run(command: string, args: readonly string[], cwd: string): string | null {
  const options = { cwd, encoding: 'utf8', timeout: STEP_TIMEOUT_MS } as const;
  const { status, error, stderr, stdout } = spawnSync(command, args, {
    ...options,
    env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
  });
  if (status === 0) return null;
  const said = (error?.message ?? (stderr.trim() || stdout.trim())).split('\n').at(-1);
  return `${[command, ...args].join(' ').slice(0, 60)} … failed: ${said}`;
}
