/** A Workflow instance by its id, or `null` when there is none. */
import { messageOf } from '../errors.ts';

export async function findInstance<T>(workflow: Workflow<T>, id: string): Promise<WorkflowInstance | null> {
  try {
    return await workflow.get(id);
  } catch (error) {
    if (messageOf(error).includes('not_found')) return null;
    throw error;
  }
}
