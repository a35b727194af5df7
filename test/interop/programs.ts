/**
 * Programs that verify signatures and are rarely installed. Taken from PATH, else unpacked from the Debian
 * archive into a cache below `node_modules`: nothing is installed, no root is needed, and apt checks the
 * archive's signature. Says why when neither works.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Program {
  readonly name: string;
  /** Debian package that holds it. */
  readonly package: string;
}

export const PROGRAMS: readonly Program[] = [
  { name: 'minisign', package: 'minisign' },
  { name: 'signify-openbsd', package: 'signify-openbsd' },
];
/** What minisign links to, where the machine has none. */
const LIBRARY = { name: 'libsodium.so.23', package: 'libsodium23' };
const APT_TIMEOUT_MS = 120_000;

export interface Found {
  /** Environment in which the programs run. */
  readonly env: NodeJS.ProcessEnv;
  readonly problems: readonly string[];
}

/** @param cache folder that may be deleted at any time */
export function findPrograms(cache: string): Found {
  const problems: string[] = [];
  const folders: string[] = [];
  for (const program of PROGRAMS) {
    if (runs(program.name, process.env)) continue;
    const problem = unpack(program.package, cache);
    if (problem === null) folders.push(...binFolders(join(cache, program.package)));
    else problems.push(`${program.name}: not on PATH, and ${problem}`);
  }
  const env = withPath(process.env, folders);
  if (folders.length === 0 || runs('minisign', env)) return { env, problems };
  const problem = unpack(LIBRARY.package, cache);
  if (problem !== null) return { env, problems: [...problems, `${LIBRARY.name}: ${problem}`] };
  const libraries = libraryFolders(join(cache, LIBRARY.package));
  return { env: { ...env, LD_LIBRARY_PATH: libraries.join(delimiter) }, problems };
}

function runs(name: string, env: NodeJS.ProcessEnv): boolean {
  const { error, stderr } = spawnSync(name, [], { env, encoding: 'utf8', timeout: 10_000 });
  return error === undefined && !stderr.includes('error while loading shared libraries');
}

/** `null`, or why the package's files are not there. Whole or not at all: a broken-off try leaves nothing. */
function unpack(name: string, cache: string): string | null {
  const target = join(cache, name);
  if (existsSync(target)) return null;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'unpacking-'));
  try {
    const problem = step(work, 'apt-get', ['download', name]);
    if (problem !== null) return problem;
    const archive = readdirSync(work).find((file) => file.endsWith('.deb'));
    if (archive === undefined) return `apt-get download ${name} brought nothing`;
    const broken = step(work, 'dpkg', ['-x', archive, 'files']);
    if (broken !== null) return broken;
    renameSync(join(work, 'files'), target);
    return null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function step(cwd: string, command: string, args: readonly string[]): string | null {
  const { error, status, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: APT_TIMEOUT_MS,
  });
  if (error !== undefined) return `${command} cannot be run (${error.message})`;
  if (status === 0) return null;
  return `${command} ${args.join(' ')} failed: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

function binFolders(root: string): string[] {
  return [join(root, 'usr', 'bin'), join(root, 'bin')].filter((folder) => existsSync(folder));
}

function libraryFolders(root: string): string[] {
  const lib = join(root, 'usr', 'lib');
  return existsSync(lib) ? readdirSync(lib).map((folder) => join(lib, folder)) : [];
}

function withPath(env: NodeJS.ProcessEnv, folders: readonly string[]): NodeJS.ProcessEnv {
  return { ...env, PATH: [...folders, env.PATH ?? ''].join(delimiter) };
}
