/**
 * Which owner a call of the Taskless client is about, and whether it covers the repository. An owner nobody knows and
 * a repository that is not covered get one answer, so that nobody learns who is served here.
 */
import { NIL_UUID, UUID } from '../../schema/taskless.ts';
import type { OwnerRow } from '../../store/owners.ts';
import type { Store } from '../../store/store.ts';
import { Refusal } from './refusal.ts';

export interface Covered {
  readonly owner: OwnerRow;
  /** "owner/name", lower case. */
  readonly repository: string;
}

type OrgId = string | number | undefined;

/** @throws Refusal organization_not_found */
export async function coveredRepository(
  store: Store,
  tokenOrg: string,
  orgId: OrgId,
  repositoryUrl: string,
): Promise<Covered> {
  const [ownerName = '', name = ''] = new URL(repositoryUrl).pathname.slice(1).toLowerCase().split('/');
  const owners = await store.owners.list(tokenOrg);
  const owner = owners.find((one) => one.owner === ownerName && isNamed(one, orgId));
  const repositories = owner?.repositories ?? null;
  const covered = repositories === null || (JSON.parse(repositories) as string[]).includes(name);
  if (owner === undefined || !covered) throw unknownOrganisation();
  return { owner, repository: `${ownerName}/${name}` };
}

/** @returns `null` when the client names none; @throws Refusal organization_not_found */
export async function namedOwner(store: Store, tokenOrg: string, orgId: OrgId): Promise<OwnerRow | null> {
  if (namesNone(orgId)) return null;
  const owner = (await store.owners.list(tokenOrg)).find((one) => isNamed(one, orgId));
  if (owner === undefined) throw unknownOrganisation();
  return owner;
}

function isNamed({ id, github_id }: OwnerRow, orgId: OrgId): boolean {
  if (namesNone(orgId)) return true;
  if (typeof orgId === 'string' && UUID.test(orgId)) return orgId.toLowerCase() === id;
  return github_id !== null && String(orgId) === String(github_id);
}

function namesNone(orgId: OrgId): boolean {
  return orgId === undefined || orgId === NIL_UUID;
}

function unknownOrganisation(): Refusal {
  return new Refusal(404, 'organization_not_found');
}
