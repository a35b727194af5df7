/** Hosts as checks ask for them, requests allow them and policies grant them: one form, compared exactly. */
import { z } from 'zod';

export const MAX_HOSTS = 10;
const DEFAULT_PORT = ':443';

/**
 * A DNS name, with a port when it is not 443. No address, no wildcard: a grant names what it means. The last
 * label begins with a letter, so that no form of a number is taken for a name.
 */
export const egressHost = z
  .string()
  .max(260)
  .regex(
    /^(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*(?::[1-9][0-9]{0,4})?$/,
    'must be host or host:port, lower-case; no address, no wildcard',
  )
  .refine((host) => Number(host.split(':')[1] ?? 443) <= 65_535, 'must have a port below 65536');

/** With its port, always. */
export function endpointOf(host: string): string {
  return host.includes(':') ? host : `${host}${DEFAULT_PORT}`;
}

/** As it is stated: without the usual port, each once, sorted. */
export function statedHosts(hosts: readonly string[]): string[] {
  const short = hosts.map((host) =>
    host.endsWith(DEFAULT_PORT) ? host.slice(0, -DEFAULT_PORT.length) : host,
  );
  return [...new Set(short)].sort();
}

/** Those of `asked` that `granted` does not name. */
export function notGranted(asked: readonly string[], granted: readonly string[]): string[] {
  const endpoints = new Set(granted.map(endpointOf));
  return asked.filter((host) => !endpoints.has(endpointOf(host)));
}
