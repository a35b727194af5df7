/** What the client calls a rule, a request or a ticket: one UUID of ours for each generation; its own id does too. */
import { UUID } from '../../schema/taskless.ts';
import type { GenerationRow } from '../../store/generations.ts';
import type { Store } from '../../store/store.ts';
import type { TasklessRequestRow } from '../../store/taskless-requests.ts';
import { Refusal } from './refusal.ts';

export interface Known {
  readonly generation: GenerationRow;
  readonly request: TasklessRequestRow;
}

/** @throws Refusal request_not_found, also when it belongs to another organisation or was deleted */
export async function findRequest(store: Store, orgId: string, id: string): Promise<Known> {
  const known = UUID.test(id) ? await store.tasklessRequests.find(orgId, id.toLowerCase()) : null;
  const generation = await store.generations.find(orgId, known?.generation_id ?? id);
  if (generation === null || generation.deleting_at !== null) throw new Refusal(404, 'request_not_found');
  const request = known ?? (await nameRequest(store, orgId, generation.id, null));
  return { generation, request };
}

/** The UUID of a generation, made when it has none. */
export function nameRequest(
  store: Store,
  orgId: string,
  generationId: string,
  asked: { readonly ownerId: string | null; readonly repository: string | null } | null,
): Promise<TasklessRequestRow> {
  return store.tasklessRequests.keep({
    id: crypto.randomUUID(),
    org_id: orgId,
    generation_id: generationId,
    owner_id: asked?.ownerId ?? null,
    repository: asked?.repository ?? null,
    created_at: new Date().toISOString(),
  });
}
