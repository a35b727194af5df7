/** `assay owners add|list|remove`: whose repositories the Taskless client may ask for rules for. */
import type { Owner } from '../../src/schema/owners.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { plain, print, printJson } from '../output.ts';

interface JsonOptions extends ConnectionOptions {
  readonly json?: boolean;
}

interface AddOptions extends JsonOptions {
  readonly name?: string;
  readonly githubId?: number;
  readonly repository?: readonly string[];
}

export async function addOwner(owner: string, options: AddOptions): Promise<ExitCode> {
  const { name, githubId, repository } = options;
  const client = new ApiClient(findConnection(options));
  const repositories = repository === undefined ? undefined : [...repository];
  const put = await client.putOwner({ owner, name, githubId, repositories });
  return show([put], put, options);
}

export async function listOwners(options: JsonOptions): Promise<ExitCode> {
  const owners = await new ApiClient(findConnection(options)).listOwners();
  return show(owners, { owners }, options);
}

/** @param which its name, or its id */
export async function removeOwner(which: string, options: JsonOptions): Promise<ExitCode> {
  const client = new ApiClient(findConnection(options));
  const owners = await client.listOwners();
  const found = owners.find(({ id, owner }) => id === which || owner === which.toLowerCase());
  if (found === undefined)
    throw new UsageError('NOT_FOUND', `${which} is not covered`, 'see: assay owners list');
  const removed = await client.removeOwner(found.id);
  return show([removed], removed, options);
}

function show(owners: readonly Owner[], document: unknown, options: JsonOptions): ExitCode {
  if (options.json === true) printJson(document);
  else if (owners.length === 0) print('no owner is covered');
  else for (const one of owners) print(line(one));
  return EXIT.ok;
}

function line({ id, owner, name, repositories }: Owner): string {
  return `${id}  ${plain(owner)}  ${plain(name)}  ${repositories?.map(plain).join(',') ?? 'all repositories'}`;
}
