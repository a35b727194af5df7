/** The command line round workerd: limits and privileges, with the system's tools where they are there. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { userArgs } from '../../container/jail/jail.ts';
import { findTool } from '../../container/jail/tools.ts';
import { MAX_CPU_SECONDS } from '../../container/limits.ts';
import { PROCESS_LIMITS } from '../limits.ts';
import type { Outlet } from './config.ts';

/** For tests: what can be left out of the walls. */
export type Weakness = 'privileges' | 'capabilities' | 'uid' | 'limits' | 'lookups' | 'network';

export interface Runtime {
  /** Whether each process gets a user of its own. */
  readonly ownUid: boolean;
  readonly outlet: Outlet;
  command(uid: number, args: readonly string[]): readonly string[];
}

/** workerd's own package knows which of its platform packages holds the program. */
export function findWorkerd(): { readonly path: string } {
  const own = createRequire(import.meta.url).resolve('workerd/package.json');
  const name = PLATFORMS[`${process.platform} ${process.arch}`];
  if (name === undefined) throw new Error(`there is no workerd for ${process.platform} on ${process.arch}`);
  const found = createRequire(own).resolve(`@cloudflare/workerd-${name}/package.json`);
  const program = process.platform === 'win32' ? 'workerd.exe' : 'workerd';
  return { path: join(dirname(found), 'bin', program) };
}

const PLATFORMS: Readonly<Record<string, string>> = {
  'darwin arm64': 'darwin-arm64',
  'darwin x64': 'darwin-64',
  'linux arm64': 'linux-arm64',
  'linux x64': 'linux-64',
  'win32 x64': 'windows-64',
};

export function runtime(workerd: string, weaknesses: readonly Weakness[] = []): Runtime {
  const [prlimit, setpriv] = [findTool('prlimit'), findTool('setpriv')];
  const isRoot = process.getuid?.() === 0;
  const weak = (name: Weakness): boolean => weaknesses.includes(name);
  const ownUid = isRoot && setpriv !== undefined && !weak('uid');
  const limits = prlimit === undefined || weak('limits') ? [] : [prlimit, ...limitOptions(ownUid), '--'];
  return {
    ownUid,
    outlet: weak('network') ? 'anywhere' : weak('lookups') ? 'internet' : 'nowhere',
    command(uid, args) {
      const capabilities = [
        '--inh-caps=-all',
        '--ambient-caps=-all',
        ...(isRoot ? ['--bounding-set=-all'] : []),
      ];
      const options = [
        ...(ownUid ? userArgs(uid) : []),
        ...(weak('capabilities') ? [] : capabilities),
        ...(weak('privileges') ? [] : ['--no-new-privs']),
        // Ends with this host, however that ends.
        '--pdeathsig=KILL',
      ];
      const privileges = setpriv === undefined ? [] : [setpriv, ...options, '--'];
      return [...limits, ...privileges, workerd, ...args];
    },
  };
}

function limitOptions(ownUid: boolean): string[] {
  const { dataBytes, cpuSeconds, openFiles, processes } = PROCESS_LIMITS;
  return [
    `--data=${dataBytes}`,
    `--cpu=${cpuSeconds}:${MAX_CPU_SECONDS}`,
    `--nofile=${openFiles}`,
    '--fsize=0',
    '--core=0',
    ...(ownUid ? [`--nproc=${processes}`] : []),
  ];
}
