/**
 * Workflow instances by id, whatever they work on. The platform tells what it means in messages alone; they are read
 * here and nowhere else. Locally nothing resumes by itself after a crash, so a sweep wakes what should have moved; to
 * one that is alive that is a stray event, which does nothing.
 */
import { messageOf } from './errors.ts';
import { log } from './logger.ts';

/** Of a `Workflow`, what making an instance needs. */
export interface Creates<T> {
  create(options: { id: string; params: T }): Promise<unknown>;
}

/** One that is there already is fine: whoever made it made the same. */
export async function createInstance<T>(workflow: Creates<T>, id: string, params: T): Promise<void> {
  try {
    await workflow.create({ id, params });
  } catch (error) {
    if (!messageOf(error).includes('already_exists')) throw error;
  }
}

/** How an instance was found that does nothing any more. */
export type Stopped = 'complete' | 'errored' | 'terminated';

/** Wakes an instance, unless there is none or the engine has done with it. */
export async function wakeInstance<T>(
  workflow: Workflow<T>,
  id: string,
): Promise<'missing' | 'woken' | Stopped> {
  const instance = await findInstance(workflow, id);
  if (instance === null) return 'missing';
  const { status } = await instance.status();
  if (status === 'complete' || status === 'errored' || status === 'terminated') return status;
  await instance.sendEvent({ type: 'wake', payload: {} });
  return 'woken';
}

/** Stopping the engine only saves what a running step of a generation would still spend: the row says that it ended. */
export async function terminateInstance<T>(workflow: Workflow<T>, generationId: string): Promise<void> {
  try {
    const instance = await workflow.get(generationId);
    await instance.terminate();
  } catch (error) {
    log('warn', 'terminate_failed', { generation: generationId, message: messageOf(error) });
  }
}

async function findInstance<T>(workflow: Workflow<T>, id: string): Promise<WorkflowInstance | null> {
  try {
    return await workflow.get(id);
  } catch (error) {
    if (messageOf(error).includes('not_found')) return null;
    throw error;
  }
}
