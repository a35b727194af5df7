/** `assay tokens create|list|revoke`. A made token goes to stdout alone, so that it can be piped to where it belongs. */
import colors from 'picocolors';
import type { Scope, Token } from '../../src/schema/tokens.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { note, plain, print, printJson } from '../output.ts';

interface JsonOptions extends ConnectionOptions {
  readonly json?: boolean;
}

export async function createToken(
  name: string,
  options: JsonOptions & { readonly scope: Scope[]; readonly days?: number },
): Promise<ExitCode> {
  const client = new ApiClient(findConnection(options));
  const made = await client.createToken({ name, scopes: options.scope, expiresInDays: options.days });
  if (options.json === true) {
    printJson(made);
    return EXIT.ok;
  }
  note(`${line(made)}\nkeep the token: it is not shown again`);
  print(made.token);
  return EXIT.ok;
}

export async function listTokens(options: JsonOptions & { readonly limit: number }): Promise<ExitCode> {
  const page = await new ApiClient(findConnection(options)).listTokens({ limit: options.limit });
  if (options.json === true) printJson(page);
  else if (page.tokens.length === 0) print('no tokens beside those of the configuration');
  else for (const one of page.tokens) print(line(one));
  return EXIT.ok;
}

export async function revokeToken(id: string, options: JsonOptions): Promise<ExitCode> {
  const revoked = await new ApiClient(findConnection(options)).revokeToken(id);
  if (options.json === true) printJson(revoked);
  else print(line(revoked));
  return EXIT.ok;
}

function line(one: Token): string {
  return `${one.id}  ${plain(one.name)}  ${one.scopes.join(',')}  ${stateOf(one)}`;
}

function stateOf({ revokedAt, expiresAt, lastUsedAt }: Token): string {
  if (revokedAt !== null) return colors.red(`revoked ${revokedAt}`);
  if (expiresAt !== null && expiresAt <= new Date().toISOString()) return colors.red(`expired ${expiresAt}`);
  const used = lastUsedAt === null ? 'not used yet' : `last used about ${lastUsedAt}`;
  return expiresAt === null ? used : `${used}, until ${expiresAt}`;
}
