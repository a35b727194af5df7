/**
 * The files that differ from where the work branched off: committed or not, tracked or not. Asks git, which
 * is told to run nothing that the repository's own configuration names, and to change nothing. Files that
 * such a program would have converted, large ones of git-lfs among them, may be listed though they did not change.
 */
import { spawn } from 'node:child_process';
import { UsageError } from '../exit.ts';

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
const SAFE = [
  ...['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'core.quotePath=false'],
  ...['-c', 'submodule.recurse=false', '--no-pager', '--literal-pathspecs'],
];

/**
 * @returns paths relative to `root`, of files that are there
 * @throws UsageError NO_GIT | NO_BASE
 */
export async function changedFiles(root: string, base: string): Promise<Set<string>> {
  const commit = await revision(root, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${base}^{commit}`,
  ]);
  if (commit === null) {
    throw new UsageError('NO_BASE', `git knows no commit ${JSON.stringify(base)} here`, HINT);
  }
  const from = await revision(root, ['merge-base', commit, 'HEAD']);
  if (from === null) {
    throw new UsageError('NO_BASE', `${JSON.stringify(base)} and this branch have no commit in common`, HINT);
  }
  const options = ['--name-only', '-z', '--no-renames', '--diff-filter=d', '--ignore-submodules=all'];
  const comparing = ['diff-index', ...options, '--relative', from, '--'];
  const differing = await git(root, comparing, await withoutFilters(root));
  const untracked = await git(root, ['ls-files', '-z', '--others', '--exclude-standard']);
  if (differing.code !== 0 || untracked.code !== 0) {
    throw new UsageError(
      'NO_GIT',
      `git could not list what changed: ${(differing.error || untracked.error).trim()}`,
    );
  }
  return new Set(`${differing.output}${untracked.output}`.split('\0').filter((path) => path !== ''));
}

/** Comparing reads files, through the programs that `filter.<name>` in the configuration names; empty is none. */
async function withoutFilters(root: string): Promise<NodeJS.ProcessEnv> {
  const asked = ['config', '--null', '--name-only', '--get-regexp', '^filter[.]'];
  const { output } = await git(root, asked);
  const names = output.split('\0').map((key) => key.slice(0, key.lastIndexOf('.')));
  const settings = [...new Set(names)]
    .filter((name) => name !== '')
    .flatMap((name) => [
      ...['clean', 'smudge', 'process'].map((key) => [`${name}.${key}`, '']),
      [`${name}.required`, 'false'],
    ]);
  // Not `-c`, which ends a name at its first "=".
  const pairs = settings.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) };
}

const HINT = 'fetch it first; a shallow clone (fetch-depth) has too little history';

async function revision(root: string, args: readonly string[]): Promise<string | null> {
  const { code, output, error } = await git(root, args);
  const [sha] = output.trim().split('\n');
  if (code === 0 && sha !== undefined && /^[0-9a-f]{40,64}$/.test(sha)) return sha;
  if (/not a git repository|dubious ownership/.test(error)) throw new UsageError('NO_GIT', error.trim());
  return null;
}

interface GitAnswer {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** @throws UsageError NO_GIT when there is no git, or it says more than a list of files can be */
function git(cwd: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...SAFE, ...args], {
      cwd,
      env: { ...environment(), ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const parts: Buffer[] = [];
    let bytes = 0;
    let error = '';
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > MAX_OUTPUT_BYTES) child.kill('SIGKILL');
      else parts.push(part);
    });
    child.stderr.on('data', (part: Buffer) => {
      error = (error + part.toString()).slice(0, 4_000);
    });
    child.once('error', () =>
      reject(new UsageError('NO_GIT', '--diff needs git, which could not be started')),
    );
    child.once('close', (code) =>
      resolve({ code: code ?? 1, output: Buffer.concat(parts).toString(), error }),
    );
  });
}

/** Nothing that points git at another repository or makes it start a program. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  const fixed = { GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1', LC_ALL: 'C' };
  return { ...Object.fromEntries(kept), ...fixed };
}
