/**
 * Where webhooks may be sent. Outside local development: a public DNS name, by HTTPS on its usual port. No address
 * literal in any notation, no name of a private network, no user, no fragment. What a name resolves to is not
 * looked at: see docs/spec/webhooks.md.
 */
import { z } from 'zod';

export const MAX_CALLBACK_URL_CHARS = 2_048;

/** Also what a parser would strip or turn: control characters, blanks, backslashes, all that is not ASCII. */
const PLAIN = /^[\x21-\x5b\x5d-\x7e]+$/;
const WITH_HOST = /^https?:\/\/[^/?#]/i;
const WITH_USER = /^[^/?#]*\/\/[^/?#]*@/;
/** Labels of letters, digits and dashes; the last one begins with a letter, so that it is no part of a number. */
const NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_NAME_CHARS = 253;

/** Top-level names that no public resolver answers: RFC 6761, 6762, 7686, 8375, 9476, ICANN, and usual private ones. */
const PRIVATE_NAMES: ReadonlySet<string> = new Set([
  ...['alt', 'arpa', 'example', 'internal', 'invalid', 'local', 'localhost', 'onion', 'test'],
  ...['corp', 'domain', 'home', 'i2p', 'intra', 'intranet', 'lan', 'localdomain', 'private', 'workgroup'],
]);

/** A URL as a request gives it. Whether this deployment sends there is asked of `callbackProblem`. */
export const callbackUrl = z
  .string()
  .max(MAX_CALLBACK_URL_CHARS)
  .superRefine((text, context) => {
    const problem = shapeProblem(text);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });

/** Why no webhook is sent to this URL; `null` when it may be. */
export function callbackProblem(text: string, allowPrivate: boolean): string | null {
  const problem = shapeProblem(text);
  if (problem !== null || allowPrivate) return problem;
  const { protocol, port, hostname } = new URL(text);
  if (protocol !== 'https:') return 'must be an https URL';
  if (port !== '') return 'must have port 443';
  return hostProblem(hostname);
}

function shapeProblem(text: string): string | null {
  if (!PLAIN.test(text)) return 'must be printable ASCII without blanks and backslashes';
  if (!WITH_HOST.test(text) || !URL.canParse(text)) return 'must be an https URL with a host';
  const url = new URL(text);
  if (WITH_USER.test(text) || url.username !== '' || url.password !== '') return 'must have no user';
  if (text.includes('#')) return 'must have no fragment';
  return null;
}

/** @param host as the URL parser gives it: lower case, and every notation of an IPv4 address as four numbers */
function hostProblem(host: string): string | null {
  if (host.startsWith('[') || /^[0-9.]+$/.test(host)) return 'must have a name, not an address';
  if (host.length > MAX_NAME_CHARS || !NAME.test(host)) return 'must have a full public DNS name';
  const top = host.slice(host.lastIndexOf('.') + 1);
  return PRIVATE_NAMES.has(top) ? `must have a public name; ".${top}" is none` : null;
}
