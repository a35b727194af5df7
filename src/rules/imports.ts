/**
 * What a check may import. The sandbox is the wall; this list keeps rules reviewable and portable,
 * so it holds only what reading a repository and comparing text needs.
 */

const ALLOWED = new Set([
  'assert',
  'assert/strict',
  'buffer',
  'crypto',
  'events',
  'fs',
  'fs/promises',
  'path',
  'path/posix',
  'querystring',
  'string_decoder',
  'url',
  'util',
]);

const FILE_MODULES = new Set(['fs', 'fs/promises']);
const PROCESS_MODULES = new Set(['child_process', 'cluster', 'worker_threads']);
const NETWORK_MODULES = new Set(['dgram', 'dns', 'dns/promises', 'http', 'http2', 'https', 'net', 'tls']);

export const ALLOWED_IMPORTS: readonly string[] = [...ALLOWED].map((name) => `node:${name}`);

/** Only for a check that declares the hosts it asks for. */
export const HTTPS = 'node:https';

export function isAllowedImport(specifier: string, declaresHosts: boolean): boolean {
  return ALLOWED.has(bare(specifier)) || (declaresHosts && specifier === HTTPS);
}

export const readsFiles = (specifier: string): boolean => FILE_MODULES.has(bare(specifier));
export const startsProcesses = (specifier: string): boolean => PROCESS_MODULES.has(bare(specifier));
export const usesNetwork = (specifier: string): boolean => NETWORK_MODULES.has(bare(specifier));

function bare(specifier: string): string {
  return specifier.startsWith('node:') ? specifier.slice('node:'.length) : specifier;
}
