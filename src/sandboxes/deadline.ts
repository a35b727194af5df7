/** A race against the clock, for work that must not be aborted; it goes on, and its end is not looked at. */
import { Fault } from '../errors.ts';

/** @throws Fault SANDBOX_UNAVAILABLE `<what> within <n> ms` */
export async function withDeadline<T>(work: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Fault('SANDBOX_UNAVAILABLE', `container ${what} within ${deadlineMs} ms`)),
      deadlineMs,
    );
  });
  // When the deadline wins, the loser's own failure must not surface as an unhandled rejection.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
