/**
 * Where the Worker, the engine and the stores share one thread, as they do locally, that thread takes no request while it
 * has anything else to do, and a generation's steps follow each other without a pause. A timer makes one.
 */
const PAUSE_MS = 1;

export function pause(): Promise<void> {
  return scheduler.wait(PAUSE_MS);
}
